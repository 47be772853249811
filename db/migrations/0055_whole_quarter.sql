-- A quarter of a million lines is fixed, published and settled in one evening, several rows a line. What each of these rows
-- pays is made cheaper here; nothing that was refused becomes possible.

-- ---------------------------------------------------------------- references

-- A foreign key asks for one row after the other, and locks each row that is referred to. These ask once a statement, and
-- what they refer to cannot go: rows of ledger_tx and announcement_line are insert-only, those of declaration, balance and
-- lot are kept by a trigger of their own.
create function gulou.refer_together(p_child text, p_parent text, p_keys text[], p_names text[],
                                     p_but text default 'false') returns void
language plpgsql as $$
declare
  v_name text := format('%s_refers_to_%s', p_child, p_parent);
begin
  execute format('create function gulou.%I() returns trigger language plpgsql as %L', v_name, format(
    'begin
      if exists (select from added as one
                 where not (%s) and not exists (select from gulou.%I as known where %s)) then
        raise exception ''a row of %s refers to no row of %s'' using errcode = ''foreign_key_violation'';
      end if;
      return null;
    end', p_but, p_parent, (select string_agg(format('known.%I = one.%I', key, name), ' and ')
                            from unnest(p_keys, p_names) as named (key, name)), p_child, p_parent));
  execute format('alter function gulou.%I() owner to gulou_owner', v_name);
  execute format('create trigger %1$I after insert on gulou.%2$I referencing new table as added
                  for each statement execute function gulou.%1$I()', v_name, p_child);
end $$;

alter table gulou.announcement_line drop constraint announcement_line_account_id_no_fkey;
alter table gulou.announcement_line_event drop constraint announcement_line_event_account_id_announcement_id_no_fkey;
alter table gulou.declaration_event drop constraint declaration_event_account_id_no_fkey;
alter table gulou.ledger_tx drop constraint ledger_tx_account_id_member_id_fkey;
alter table gulou.lot_entry drop constraint lot_entry_account_id_member_id_lot_seq_fkey,
  drop constraint lot_entry_account_id_member_id_seq_fkey;
alter table gulou.lot drop constraint lot_account_id_member_id_seq_fkey;
select gulou.refer_together('announcement_line', 'declaration', '{account_id,no}', '{account_id,no}');
select gulou.refer_together('announcement_line_event', 'announcement_line', '{account_id,announcement_id,no}',
                            '{account_id,announcement_id,no}');
select gulou.refer_together('declaration_event', 'declaration', '{account_id,no}', '{account_id,no}');
select gulou.refer_together('ledger_tx', 'balance', '{account_id,member_id}', '{account_id,member_id}');
select gulou.refer_together('lot', 'ledger_tx', '{account_id,member_id,seq}', '{account_id,member_id,seq}');
select gulou.refer_together('lot_entry', 'lot', '{account_id,member_id,seq}', '{account_id,member_id,lot_seq}');
-- A lot's first entry is of the posting that made it, which the lot refers to already.
select gulou.refer_together('lot_entry', 'ledger_tx', '{account_id,member_id,seq}', '{account_id,member_id,seq}', 'one.seq = one.lot_seq');
drop function gulou.refer_together(text, text, text[], text[], text);

create function gulou.keep_key() returns trigger language plpgsql as $$
begin
  raise exception '% is referred to by what came after it', tg_table_name using errcode = 'restrict_violation';
end $$;
alter function gulou.keep_key() owner to gulou_owner;
-- After the row: a trigger before it would lock every row that any update changes once more.
create trigger keep_key after delete or update of account_id, no on gulou.declaration
  for each row execute function gulou.keep_key();
create trigger keep_key after delete or update of account_id, member_id on gulou.balance
  for each row execute function gulou.keep_key();
create trigger keep_key after delete or update of account_id, member_id, seq on gulou.lot
  for each row execute function gulou.keep_key();
create trigger keep_keys before truncate on gulou.declaration for each statement execute function gulou.keep_key();
create trigger keep_keys before truncate on gulou.balance for each statement execute function gulou.keep_key();
create trigger keep_keys before truncate on gulou.lot for each statement execute function gulou.keep_key();

-- ---------------------------------------------------------------- checks

-- As before: so many digits of hex. Counting repetitions in a pattern took a fifth of what a line costs.
alter table gulou.announcement_line drop constraint announcement_line_name_digest_check,
  add constraint announcement_line_name_digest_check check (length(name_digest) = 64 and name_digest !~ '[^0-9a-f]');
alter table gulou.announcement_name drop constraint announcement_name_name_salt_check,
  add constraint announcement_name_name_salt_check check (length(name_salt) = 32 and name_salt !~ '[^0-9a-f]');

-- ---------------------------------------------------------------- indexes

-- By its period a declaration is looked for until it is listed; then the lines of the notice say which they are.
drop index gulou.declaration_of_period;
create index declaration_approved on gulou.declaration (account_id, period, no) where status = 'approved';

-- A member's lots are few, and all that are open are read when points are taken.
drop index gulou.lot_open;

-- One index for both ways: a posting's entries are looked for by the posting.
drop index gulou.lot_entry_of_tx;
alter table gulou.lot_entry drop constraint lot_entry_pkey,
  add constraint lot_entry_pkey primary key (account_id, member_id, seq, lot_seq);
