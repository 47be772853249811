-- Every function asks for the time, many more than once, and reading a row for it costs a tenth of a declaration. So how
-- far the clock is set off becomes the body of a function, which PostgreSQL writes into the statements that call it. The
-- row stays the truth; whoever changes it changes the function in the same transaction.
create function gulou.set_away_by() returns trigger language plpgsql security definer
set search_path = gulou, pg_temp as $$
begin
  -- Not immutable: a constant would stay in the plans of other sessions.
  execute format('create or replace function gulou.away_by() returns interval language sql stable as %L',
                 format('select interval %L', new.away_by));
  return null;
end $$;
alter function gulou.set_away_by() owner to gulou_owner;
create trigger set_away_by after insert or update on gulou.clock
  for each row execute function gulou.set_away_by();
update gulou.clock set away_by = away_by;

-- What a member has under way, counted in every answer about points: not by passing over all of a life's declarations.
create index declaration_open on gulou.declaration (account_id, member_id)
  where status in ('draft', 'submitted', 'in_review', 'appealed');

-- The unit of a member is in the key's index. Without it the planner takes the exclusion's, which costs three times as much.
alter table gulou.member_org drop constraint member_org_pkey;
alter table gulou.member_org add primary key (account_id, member_id, during) include (org_id);

-- As in 0022: units, items and rules are rows that all declarations share, and checking the reference locks them. They
-- never go, which a trigger says instead: a rule from the day it is valid, the others at all.
create function gulou.keep_referenced() returns trigger language plpgsql as $$
begin
  if tg_table_name = 'rule_version' then
    if old.valid_from > gulou.local_day(gulou.now_()) then
      return case tg_op when 'DELETE' then old else new end;
    end if;
  end if;
  raise exception '% is referred to by declarations', tg_table_name using errcode = 'restrict_violation';
end $$;
alter function gulou.keep_referenced() owner to gulou_owner;
create trigger keep_referenced before delete or update of account_id, org_id on gulou.org
  for each row execute function gulou.keep_referenced();
create trigger keep_referenced before delete or update of account_id, item on gulou.service_item
  for each row execute function gulou.keep_referenced();
create trigger keep_referenced before delete or update of account_id, rule_version on gulou.rule_version
  for each row execute function gulou.keep_referenced();
alter table gulou.declaration drop constraint declaration_account_id_org_id_fkey,
  drop constraint declaration_account_id_item_fkey, drop constraint declaration_account_id_rule_version_fkey;

-- A member's points are summed up by period and by day, all from one index; what was revoked does not count.
drop index gulou.declaration_day_of_member;
create index declaration_day_of_member on gulou.declaration_day (account_id, member_id, period, day);
create index declaration_revoked on gulou.declaration (account_id, member_id, no)
  where status in ('revoked', 'revoked_late');
