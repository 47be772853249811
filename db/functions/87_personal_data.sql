-- What a member may ask of their own data (domain 10): a copy of all of it, and its removal.

-- Everything that is kept about one member, as one JSON; no openid, which means nothing to anybody. Who took it, and
-- why, stays in the audit.
create or replace function api.member_export(p_account text, p_member int, p_reason text, p_by text) returns jsonb
language plpgsql as $$
declare
  v_member gulou.member;
begin
  select * into v_member from gulou.member where account_id = p_account and member_id = p_member;
  if v_member.member_id is null then
    return gulou.refusal('not_found');
  elsif gulou.note_export(p_account, 'member', null, p_member, p_reason, p_by) is null then
    return gulou.refusal('reason');
  end if;
  return jsonb_build_object('account', p_account, 'exported_at', gulou.rfc3339(gulou.now_()), 'member', p_member,
    'name', v_member.name, 'status', v_member.status,
    'history', (select coalesce(jsonb_agg(jsonb_build_object('from', from_status, 'to', to_status, 'reason', reason,
        'at', gulou.rfc3339(at)) order by seq), '[]')
      from gulou.member_event where account_id = p_account and member_id = p_member),
    'units', (select coalesce(jsonb_agg(jsonb_build_object('unit', o.name, 'from', lower(m.during), 'until', upper(m.during))
        order by m.during), '[]')
      from gulou.member_org m join gulou.org o using (account_id, org_id)
      where m.account_id = p_account and m.member_id = p_member),
    'roles', (select coalesce(jsonb_agg(role order by role), '[]') from gulou.member_role
      where account_id = p_account and member_id = p_member),
    'bindings', (select coalesce(jsonb_agg(jsonb_build_object('from', gulou.rfc3339(b.bound_at),
        'until', gulou.rfc3339(b.ended_at), 'following', f.subscribed) order by b.bound_at), '[]')
      from gulou.binding b left join gulou.follower f using (account_id, openid)
      where b.account_id = p_account and b.member_id = p_member),
    'consents', (select coalesce(jsonb_agg(jsonb_build_object('purpose', purpose, 'given', given, 'text', text_version,
        'at', gulou.rfc3339(at)) order by at, purpose), '[]')
      from gulou.consent where account_id = p_account and member_id = p_member),
    'balance', (select jsonb_build_object('pending', pending::text, 'available', available::text,
        'reserved', reserved::text, 'debt', (-debt)::text)
      from gulou.balance where account_id = p_account and member_id = p_member),
    'ledger', (select coalesce(jsonb_agg(to_jsonb(tx) - array['account_id', 'member_id', 'prev_hash', 'hash', 'actor_id',
        'approver_id', 'request_id'] || jsonb_build_object('hash', encode(tx.hash, 'hex')) order by tx.seq), '[]')
      from gulou.ledger_tx tx where tx.account_id = p_account and tx.member_id = p_member),
    'scores', (select coalesce(jsonb_agg(jsonb_build_object('period', period, 'points', points::text) order by period), '[]')
      from (select period, sum(points) as points from gulou.period_score
            where account_id = p_account and member_id = p_member group by period) as summed),
    'declarations', (select coalesce(jsonb_agg(jsonb_build_object('no', d.no, 'item', i.name, 'unit', o.name,
        'from', gulou.rfc3339(d.started_at), 'until', gulou.rfc3339(d.ended_at), 'minutes', d.minutes, 'words', d.words,
        'status', d.status, 'claimed', d.claimed::text, 'counted', d.counted::text, 'cap', d.cap, 'period', d.period,
        'history', (select jsonb_agg(jsonb_build_object('from', e.from_status, 'to', e.to_status, 'by', e.role,
            'reason', e.reason, 'at', gulou.rfc3339(e.at)) order by e.seq)
          from gulou.declaration_event e where e.account_id = p_account and e.no = d.no),
        'photos', (select coalesce(jsonb_agg(jsonb_build_object('at', gulou.rfc3339(p.at), 'status', p.status,
            'digest', encode(m.digest, 'hex'), 'jpeg', translate(encode(m.jpeg, 'base64'), E'\n', '')) order by p.photo_id), '[]')
          from gulou.photo p left join gulou.image m on m.account_id = p.account_id and m.digest = p.digest
          where p.account_id = p_account and p.no = d.no)) order by d.no), '[]')
      from gulou.declaration d
      join gulou.org o on o.account_id = d.account_id and o.org_id = d.org_id
      join gulou.service_item i on i.account_id = d.account_id and i.item = d.item
      where d.account_id = p_account and d.member_id = p_member),
    'notices', (select coalesce(jsonb_agg(jsonb_build_object('notice', l.announcement_id, 'no', l.no, 'unit', l.unit,
        'item', l.item, 'points', l.points::text, 'shown_name', n.shown_name, 'leaf', l.leaf) order by l.no), '[]')
      from gulou.announcement_line l
      left join gulou.announcement_name n using (account_id, announcement_id, member_id)
      where l.account_id = p_account and l.member_id = p_member),
    'objections', (select coalesce(jsonb_agg(jsonb_build_object('objection', objection_no, 'notice', announcement_id,
        'no', no, 'words', words, 'status', status, 'at', gulou.rfc3339(filed_at)) order by objection_no), '[]')
      from gulou.objection where account_id = p_account and objector_id = p_member),
    'messages', (select coalesce(jsonb_agg(jsonb_build_object('what', facts ->> 'what', 'status', status,
        'at', gulou.rfc3339(written_at)) order by outbox_id), '[]')
      from gulou.outbox where account_id = p_account and lane = 'member:' || p_member));
end $$;

-- ---------------------------------------------------------------- erasing

-- What should be decided first (domain 9.26); {} when nothing is open.
create or replace function gulou.open_matters(p_account text, p_member int) returns jsonb language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'points', nullif(coalesce(b.available, 0) + coalesce(b.reserved, 0), 0)::text,
    'pending', nullif(coalesce(b.pending, 0), 0)::text, 'debt', nullif(-coalesce(b.debt, 0), 0)::text,
    'objections', (select nullif(count(*), 0) from gulou.objection o
      join gulou.announcement_line l using (account_id, announcement_id, no)
      where o.account_id = p_account and p_member in (o.objector_id, l.member_id)
        and o.status in ('filed', 'accepted', 'investigating')),
    'declarations', (select nullif(count(*), 0) from gulou.declaration
      where account_id = p_account and member_id = p_member
        and status in ('draft', 'submitted', 'in_review', 'returned', 'appealed'))))
  from (select 1) as once left join gulou.balance b on b.account_id = p_account and b.member_id = p_member
$$;

-- What a member sent, with declarations and with objections.
create or replace function gulou.photos_by(p_account text, p_member int) returns bigint[] language sql stable as $$
  select array(
    select photo_id from gulou.photo join gulou.declaration using (account_id, no)
    where account_id = p_account and member_id = p_member
    union all
    select photo_id from gulou.photo join gulou.objection using (account_id, objection_no)
    where account_id = p_account and objector_id = p_member)
$$;

create or replace function gulou.erase_photos(p_account text, p_member int) returns bigint language plpgsql as $$
declare
  v_ids     bigint[] := gulou.photos_by(p_account, p_member);
  v_photos  bigint;
  v_digests bytea[];
begin
  delete from gulou.outbox
  where account_id = p_account and kind = 'photo' and subject = any (v_ids::text[]);
  with gone as (
    delete from gulou.photo where account_id = p_account and photo_id = any (v_ids) returning digest),
  unsent as (
    delete from gulou.upload u using gulou.binding b
    where u.account_id = p_account and b.account_id = p_account and b.openid = u.openid and b.member_id = p_member
    returning u.digest)
  select (select count(*) from gone), array(select digest from gone union select digest from unsent)
  into v_photos, v_digests;
  delete from gulou.image m
  where m.account_id = p_account and m.digest = any (v_digests)
    and not exists (select from gulou.photo p where p.account_id = m.account_id and p.digest = m.digest)
    and not exists (select from gulou.upload u where u.account_id = m.account_id and u.digest = m.digest);
  return v_photos;
end $$;

-- Whatever leads from WeChat to this person. A tag they wear goes with the next round of tags.
create or replace function gulou.erase_openids(p_account text, p_member int) returns void language plpgsql as $$
declare
  v_openids text[] := array(select openid from gulou.binding where account_id = p_account and member_id = p_member);
begin
  delete from gulou.session where account_id = p_account and openid = any (v_openids);
  delete from gulou.sign_in where account_id = p_account and openid = any (v_openids);
  delete from gulou.subscription where account_id = p_account and openid = any (v_openids);
  update gulou.join_request set name = null, note = null, openid = 'erased:' || request_no
  where account_id = p_account and (openid = any (v_openids) or member_id = p_member) and status <> 'waiting';
  delete from gulou.outbox where account_id = p_account and lane = 'member:' || p_member;
  update gulou.outbox set facts = facts || jsonb_build_object('by', '已注销成员#' || p_member)
  where account_id = p_account and kind = 'notification' and (facts ->> 'asker')::int = p_member;
  delete from gulou.binding where account_id = p_account and member_id = p_member;
  delete from gulou.follower where account_id = p_account and openid = any (v_openids);
end $$;

-- Name, openid and photos go, here and in every notice; numbers, books and leaves refer to ids and stay valid. Until
-- `p_confirmed` nothing is done: it is told who this is, for a number is soon mistyped, and what would be lost to them.
create or replace function api.erase_member(p_account text, p_member int, p_confirmed boolean, p_request text)
returns jsonb language plpgsql as $$
declare
  v_status  text;
  v_name    text;
  v_matters jsonb;
  v_photos  bigint;
  v_names   bigint;
  v_no      bigint;
begin
  perform gulou.period_gate(p_account, false);
  select status, name into v_status, v_name from gulou.member where account_id = p_account and member_id = p_member for update;
  if v_status is null then
    return gulou.refusal('not_found');
  elsif v_status = 'erased' then
    return gulou.refusal('already');
  end if;
  perform gulou.lock_member(p_account, p_member);
  v_matters := gulou.open_matters(p_account, p_member);
  if not coalesce(p_confirmed, false) then
    return gulou.refusal('unconfirmed') || jsonb_build_object('name', v_name, 'matters', v_matters,
      'unit', (select name from gulou.org where account_id = p_account
               and org_id = gulou.org_on(p_account, p_member, gulou.local_day(gulou.now_()))));
  end if;
  for v_no in select no from gulou.declaration where account_id = p_account and member_id = p_member
              and status in ('draft', 'submitted', 'returned') order by no loop
    perform gulou.move_declaration(p_account, v_no, 'withdrawn', null, 'system', '本人申请注销', p_request);
  end loop;
  delete from gulou.member_role where account_id = p_account and member_id = p_member;
  if found then
    perform gulou.want_tags(p_account);
  end if;
  v_photos := gulou.erase_photos(p_account, p_member);
  perform gulou.erase_openids(p_account, p_member);
  delete from gulou.invite where account_id = p_account and member_id = p_member;
  delete from gulou.announcement_name where account_id = p_account and member_id = p_member;
  get diagnostics v_names = row_count;
  update gulou.member set name = null where account_id = p_account and member_id = p_member;
  if v_status <> 'left' then
    perform gulou.move_member(p_account, p_member, 'left', null, '本人申请注销', p_request);
  end if;
  perform gulou.move_member(p_account, p_member, 'erased', null, '本人申请注销', p_request);
  return jsonb_build_object('member', p_member, 'matters', v_matters, 'photos', v_photos, 'names', v_names);
end $$;
