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
  v_period text := gulou.period_of(gulou.local_day(v_now));
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

-- The corrections that a notice shows: those of its own period, each saying which earlier line it takes back.
create or replace function gulou.corrections_in(p_account text, p_id int) returns jsonb language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object('correction', c.correction_no, 'notice', c.announcement_id, 'no', c.no,
    'member', coalesce(n.shown_name, '已注销成员#' || c.member_id), 'unit', l.unit, 'item', l.item,
    'points', (-c.points)::text, 'penalty', (-c.penalty)::text, 'words', c.words,
    'published_on', gulou.local_day(c.published_at)) order by c.correction_no), '[]')
  from gulou.announcement a
  join gulou.correction_notice c on c.account_id = a.account_id and c.period = a.period
  join gulou.announcement_line l on l.account_id = c.account_id and l.no = c.no
  left join gulou.announcement_name n on n.account_id = c.account_id and n.announcement_id = c.announcement_id
    and n.member_id = c.member_id
  where a.account_id = p_account and a.announcement_id = p_id and a.kind = 'member_points'
$$;
