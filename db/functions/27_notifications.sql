-- What a member is told without having asked.

-- `p_facts` is what server/notification_words.c makes words of; {"what":…} is added.
create or replace function gulou.notify(p_account text, p_member int, p_what text, p_subject text, p_facts jsonb)
returns void language sql as $$
  select gulou.outbox_write(p_account, 'member:' || p_member, 'notification',
    p_what || ':' || p_subject || ':' || p_member,
    p_facts || jsonb_build_object('what', p_what, 'member', p_member))
$$;

-- Who gets it now: {"openid","subscribed"}; no openid when nobody is bound.
create or replace function api.notification_target(p_account text, p_id bigint) returns jsonb
language sql stable as $$
  select coalesce((
    select jsonb_build_object('openid', b.openid, 'subscribed', coalesce(f.subscribed, true))
    from gulou.outbox o
    join gulou.binding b on b.account_id = o.account_id and b.member_id = (o.facts->>'member')::int
                        and b.ended_at is null
    left join gulou.follower f on f.account_id = b.account_id and f.openid = b.openid
    where o.account_id = p_account and o.outbox_id = p_id), '{}')
$$;
