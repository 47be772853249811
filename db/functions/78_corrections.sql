-- Corrections: a complaint upheld after settlement. The settled line and its notice stay as they are (INV-21); the
-- points are taken back in the ledger, and a negative line counts in the period that runs.

-- Why this line cannot be corrected now, or not by this administrator; NULL when it can.
create or replace function gulou.correction_refusal(p_account text, p_no bigint, p_actor int) returns jsonb
language plpgsql stable as $$
declare
  v_own      gulou.declaration;
  v_notice   text;
  v_conflict text;
begin
  select * into v_own from gulou.declaration where account_id = p_account and no = p_no;
  select status into v_notice from gulou.announcement
  where account_id = p_account and period = v_own.period and kind = 'member_points';
  if v_own.no is null then
    return jsonb_build_object('refusal', 'not_found', 'no', p_no);
  elsif v_own.status in ('revoked', 'revoked_late') then
    return jsonb_build_object('refusal', 'line_revoked', 'no', p_no);
  elsif v_own.status <> 'settled' or v_notice not in ('settled', 'archived') then
    return jsonb_build_object('refusal', 'not_settled', 'no', p_no, 'status', v_own.status);
  end if;
  v_conflict := gulou.conflict(p_account, p_no, null, p_actor);
  return case when v_conflict is not null
    then jsonb_build_object('refusal', 'conflict', 'no', p_no, 'why', v_conflict) end;
end $$;

-- Takes points back: what is available first, then into debt as far as its floor. Returns how many could be taken.
create or replace function gulou.take_back(p_own gulou.declaration, p_kind text, p_reason text, p_points int,
  p_period text, p_asker int, p_decider int, p_request text) returns int language plpgsql as $$
declare
  v_balance gulou.balance;
  v_floor   int := (gulou.rules_on(p_own.account_id, gulou.local_day(gulou.now_()))).debt_floor;
  v_there   bigint;
  v_owed    bigint;
begin
  select * into strict v_balance from gulou.balance
  where account_id = p_own.account_id and member_id = p_own.member_id;
  v_there := least(p_points, v_balance.available);
  v_owed := least(p_points - v_there, greatest(v_balance.debt - v_floor, 0));
  if v_there + v_owed > 0 then
    perform gulou.post_for(p_own, p_kind, p_reason, p_period,
      jsonb_build_object('available', -v_there, 'debt', -v_owed, 'revoked', v_there + v_owed), p_asker, p_decider,
      p_request);
  end if;
  return v_there + v_owed;
end $$;

-- Two administrators agreed; possible and allowed has been found.
create or replace function gulou.correct(p_account text, p_no bigint, p_words text, p_false boolean, p_asker int,
                                         p_decider int, p_request text) returns jsonb language plpgsql as $$
declare
  v_now    timestamptz := gulou.now_();
  v_period text := gulou.period_of(p_account, gulou.local_day(v_now));
  v_new    bigint := nextval('gulou.correction_no');
  v_own    gulou.declaration;
  v_rule   gulou.rule_version := gulou.rules_on(p_account, gulou.local_day(v_now));
  v_line   gulou.announcement_line;
  v_taken  int;
  v_fine   int := 0;
begin
  select * into strict v_own from gulou.declaration where account_id = p_account and no = p_no for update;
  perform gulou.lock_member(p_account, v_own.member_id);
  select * into strict v_line from gulou.announcement_line where account_id = p_account and no = p_no;
  v_taken := gulou.take_back(v_own, 'CLAWBACK', '更正公告撤销', v_own.counted, v_period, p_asker, p_decider, p_request);
  if p_false then
    v_fine := gulou.take_back(v_own, 'PENALTY', '虚报扣分', v_rule.false_penalty, v_period, p_asker, p_decider,
                              p_request);
  end if;
  insert into gulou.correction_notice (account_id, correction_no, announcement_id, no, member_id, org_id, period, points,
    clawed_back, false_declaration, penalty, penalty_taken, words, asker_id, approver_id, published_at, request_id)
  values (p_account, v_new, v_line.announcement_id, p_no, v_own.member_id, v_own.org_id, v_period, v_own.counted,
    v_taken, p_false, case when p_false then v_rule.false_penalty else 0 end, v_fine, p_words, p_asker, p_decider,
    v_now, p_request);
  perform gulou.move_declaration(p_account, p_no, 'revoked_late', p_decider, 'administrator', p_words, p_request);
  update gulou.declaration set reason = p_words where account_id = p_account and no = p_no;
  if v_own.counted > 0 then
    perform gulou.add_score(p_account, v_period, v_own.member_id, v_own.org_id, -v_own.counted);
  end if;
  perform gulou.notify(p_account, v_own.member_id, 'line_revoked', p_no::text, jsonb_build_object(
    'no', p_no, 'item', v_line.item, 'words', p_words, 'taken', (v_taken + v_fine)::text,
    'penalty', v_fine::text));
  return jsonb_build_object('correction', v_new, 'no', p_no, 'points', v_own.counted::text, 'taken', v_taken::text,
    'penalty', v_fine::text, 'period', v_period, 'earlier', (
      select count(*) from gulou.correction_notice
      where account_id = p_account and member_id = v_own.member_id and false_declaration and correction_no <> v_new));
end $$;

-- ---------------------------------------------------------------- what everybody reads

-- A line's state: listed, objected, dismissed, upheld, settled or corrected. It names nobody, and stands beside the
-- leaf, which never changes.
create or replace function gulou.shown_state(p_account text, p_id int, p_no bigint) returns text
language sql stable as $$
  select case when state = 'settled' and exists (select from gulou.correction_notice
                                                 where account_id = p_account and no = p_no) then 'corrected' else state end
  from gulou.line_state(p_account, p_id, p_no) as state
$$;

-- One correction notice, with the masked name of the line that it takes back. `counted_in`: the notice in which its
-- negative line stands, once there is one.
create or replace function gulou.correction_facts(p_one gulou.correction_notice) returns jsonb
language sql stable as $$
  select jsonb_build_object('correction', p_one.correction_no, 'notice', p_one.announcement_id, 'no', p_one.no,
    'member', gulou.line_name(p_one.account_id, p_one.member_id, n.shown_name), 'unit', l.unit, 'item', l.item,
    'points', (-p_one.points)::text, 'penalty', (-p_one.penalty)::text, 'words', p_one.words,
    'period', p_one.period, 'published_on', gulou.local_day(p_one.published_at),
    'counted_in', (select announcement_id from gulou.announcement a
                   where a.account_id = p_one.account_id and a.period = p_one.period and a.kind = 'member_points'
                     and a.status <> 'frozen'))
  from gulou.announcement_line l
  left join gulou.announcement_name n using (account_id, announcement_id, member_id)
  where l.account_id = p_one.account_id and l.announcement_id = p_one.announcement_id and l.no = p_one.no
$$;

-- Of the numbers and words of one list of corrections, a line each.
create or replace function gulou.corrections_digest(p_corrections jsonb) returns text language sql immutable as $$
  select encode(sha256(convert_to(coalesce(string_agg(concat_ws('|', one ->> 'correction', one ->> 'notice', one ->> 'no',
    one ->> 'member', one ->> 'unit', one ->> 'item', one ->> 'points', one ->> 'penalty', one ->> 'words',
    one ->> 'period', one ->> 'published_on', one ->> 'counted_in') || E'\n', '' order by place), ''), 'UTF8')), 'hex')
  from jsonb_array_elements(p_corrections) with ordinality as listed (one, place)
$$;

-- "corrections": those that count in this notice's own period, each saying which earlier line it takes back.
-- "corrected": those that take back a line of this notice. Each list has its digest.
create or replace function gulou.corrections_beside(p_account text, p_id int) returns jsonb language sql stable as $$
  select jsonb_build_object('corrections', counted, 'corrected', of_lines,
                            'corrections_digest', gulou.corrections_digest(counted),
                            'corrected_digest', gulou.corrections_digest(of_lines))
  from (
    select coalesce((select jsonb_agg(gulou.correction_facts(c) order by c.correction_no)
                     from gulou.announcement a
                     join gulou.correction_notice c on c.account_id = a.account_id and c.period = a.period
                     where a.account_id = p_account and a.announcement_id = p_id and a.kind = 'member_points'), '[]') as counted,
           coalesce((select jsonb_agg(gulou.correction_facts(c) order by c.correction_no)
                     from gulou.correction_notice c
                     where c.account_id = p_account and c.announcement_id = p_id), '[]') as of_lines) as listed
$$;

-- For the list of notices, which is open for ever: without name and unit.
create or replace function gulou.correction_list(p_account text, p_id int) returns jsonb language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object('correction', correction_no, 'no', no, 'points', (-points)::text,
    'published_on', gulou.local_day(published_at)) order by correction_no), '[]')
  from gulou.correction_notice where account_id = p_account and announcement_id = p_id
$$;
