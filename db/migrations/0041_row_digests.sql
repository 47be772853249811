-- Rows that no chain and no root covers keep a digest of what they were when they were written, so that `gulou audit` names
-- one whose content was changed past the triggers. These definitions never change: old rows have their digest by them.

-- `p_but`: columns that may change later. A column that a later migration adds has to be null in old rows.
create function gulou.row_digest(p_row jsonb, p_but text[]) returns bytea language sql immutable as $$
  select sha256(convert_to(jsonb_strip_nulls(p_row - 'row_digest' - p_but)::text, 'UTF8'))
$$;

-- Times as they are in UTC, whatever the session's zone.
create function gulou.keep_digest() returns trigger language plpgsql set timezone to 'UTC' as $$
begin
  new.row_digest := gulou.row_digest(to_jsonb(new), coalesce(tg_argv, '{}'));
  return new;
end $$;

create function gulou.digest_rows(p_table regclass, p_but text[] default '{}') returns void
language plpgsql set timezone to 'UTC' as $$
declare
  v_guard text;
begin
  execute format('alter table %s add column row_digest bytea, disable trigger user', p_table);
  execute format('update %s as one set row_digest = gulou.row_digest(to_jsonb(one), $1)', p_table) using p_but;
  execute format('alter table %s alter row_digest set not null, enable trigger user', p_table);
  execute format('create trigger keep_digest before insert on %s for each row execute function gulou.keep_digest(%s)', p_table,
                 (select string_agg(quote_literal(one), ', ') from unnest(p_but) as one));
  -- "Always", as 0015 says; the guards too, which were let go of above.
  for v_guard in select tgname from pg_trigger
                 where tgrelid = p_table and tgname in ('insert_only_row', 'insert_only_table', 'keep_digest') loop
    execute format('alter table %s enable always trigger %I', p_table, v_guard);
  end loop;
end $$;

select gulou.digest_rows('gulou.objection', '{status}');
select gulou.digest_rows('gulou.objection_event');
select gulou.digest_rows('gulou.correction_notice');
select gulou.digest_rows('gulou.second_person_request', '{status,decider_id,decided_at,words}');
select gulou.digest_rows('gulou.daily_seal');

-- After each event of a notice, of its head; and of the event.
alter table gulou.announcement_event add column head_digest bytea;
select gulou.digest_rows('gulou.announcement_event');

-- What comes by the hundred thousand is digested by the statements that write it (75_notices.sql): no trigger for each.
-- Of a line's event; and, where a list is fixed, of each line's declaration.
alter table gulou.announcement_line_event add column row_digest bytea;
alter table gulou.announcement_line add column declaration_digest bytea;
drop function gulou.digest_rows(regclass, text[]);
