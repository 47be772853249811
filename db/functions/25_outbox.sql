-- What has to be sent to the platform. Leases and retries follow the real clock, never `gulou clock`.

-- Writes one thing to send; the same kind and subject once.
create or replace function gulou.outbox_write(p_account text, p_lane text, p_kind text, p_subject text,
                                              p_facts jsonb default '{}') returns void language plpgsql as $$
begin
  insert into gulou.outbox (account_id, lane, kind, subject, facts)
  values (p_account, p_lane, p_kind, p_subject, p_facts)
  on conflict (account_id, kind, subject) do nothing;
end $$;

-- Up to p_n due rows of this server's accounts: {"items":[{"account","id","kind","subject","facts","attempts"}]}.
-- Whoever takes a row has it for a minute; the first of its lane only, and none of a lane whose first is taken. What
-- waits for an account that a server does not have is for another: it could only hold it, in the way of the others.
-- p_accounts null: all.
-- The table is empty until a notice tells thousands at once. A plan of before then compares all with all, until the
-- statistics are made; so the rows come from the index that has them in order, whatever is thought of their number.
create or replace function gulou.take_outbox(p_n int, p_accounts text[]) returns jsonb language plpgsql
  set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off as $$
declare
  v_due   tid[];
  v_items jsonb;
begin
  v_due := array(
    select o.ctid from gulou.outbox o   -- locked, they stay where they are
    where o.status = 'waiting' and o.due_at <= clock_timestamp()
      and (p_accounts is null or o.account_id = any (p_accounts))
      and coalesce(o.taken_till, '-infinity') < clock_timestamp()
      and o.outbox_id = (select first.outbox_id from gulou.outbox first
                         where first.account_id = o.account_id and first.lane = o.lane and first.status = 'waiting'
                         order by first.outbox_id limit 1)
    order by o.due_at limit p_n for update skip locked);
  with taken as (
    update gulou.outbox set taken_till = clock_timestamp() + interval '1 minute', attempts = attempts + 1
    where ctid = any (v_due) returning *)
  select jsonb_agg(jsonb_build_object('account', account_id, 'id', outbox_id, 'kind', kind, 'subject', subject,
                                      'facts', facts, 'attempts', attempts) order by outbox_id)
  into v_items from taken;
  return jsonb_build_object('items', coalesce(v_items, '[]'));
end $$;

create or replace function api.take_outbox(p_n int, p_accounts text[]) returns jsonb language sql as $$
  select gulou.take_outbox(p_n, p_accounts)
$$;
-- For servers of before, which do not say what accounts they have.
create or replace function api.take_outbox(p_n int) returns jsonb language sql as $$
  select gulou.take_outbox(p_n, null)
$$;

-- The end of one attempt. `later`: again after so many seconds; else 'done', 'failed' or 'held' (shown with the
-- person's next reply). A row that ended before keeps its end. The platform may have told what became of the message
-- ({"message":…} in the result) before this is written.
create or replace function api.end_outbox(p_account text, p_id bigint, p_status text, p_later_seconds int,
                                          p_result jsonb) returns jsonb language plpgsql as $$
begin
  update gulou.outbox
  set status     = case p_status when 'later' then 'waiting' else p_status end,
      due_at     = case p_status when 'later' then clock_timestamp() + make_interval(secs => p_later_seconds)
                                 else due_at end,
      ended_at   = case when p_status in ('done', 'failed') then clock_timestamp() end,
      taken_till = null,
      result     = p_result
  where account_id = p_account and outbox_id = p_id and status = 'waiting';
  if p_result ? 'message' then
    perform gulou.apply_send_result(p_account, r.message, r.status) from gulou.send_result r
    where r.account_id = p_account and r.message = p_result ->> 'message';
  end if;
  return '{}';
end $$;

-- What ended a while ago is forgotten; what was written stays where it belongs (events, photos, notices).
create or replace function api.purge_outbox() returns jsonb language plpgsql as $$
declare
  v_rows bigint;
begin
  delete from gulou.outbox where status in ('done', 'failed') and ended_at < clock_timestamp() - interval '90 days';
  get diagnostics v_rows = row_count;
  delete from gulou.send_result where at < clock_timestamp() - interval '90 days';
  return jsonb_build_object('removed', v_rows);
end $$;
