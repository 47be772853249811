-- An earlier program writes the same rows; foreign keys ask for each of them again.
drop trigger announcement_line_refers_to_declaration on gulou.announcement_line;
drop trigger announcement_line_event_refers_to_announcement_line on gulou.announcement_line_event;
drop trigger declaration_event_refers_to_declaration on gulou.declaration_event;
drop trigger ledger_tx_refers_to_balance on gulou.ledger_tx;
drop trigger lot_refers_to_ledger_tx on gulou.lot;
drop trigger lot_entry_refers_to_lot on gulou.lot_entry;
drop trigger lot_entry_refers_to_ledger_tx on gulou.lot_entry;
drop function gulou.announcement_line_refers_to_declaration();
drop function gulou.announcement_line_event_refers_to_announcement_line();
drop function gulou.declaration_event_refers_to_declaration();
drop function gulou.ledger_tx_refers_to_balance();
drop function gulou.lot_refers_to_ledger_tx();
drop function gulou.lot_entry_refers_to_lot();
drop function gulou.lot_entry_refers_to_ledger_tx();
drop trigger keep_key on gulou.declaration;
drop trigger keep_key on gulou.balance;
drop trigger keep_key on gulou.lot;
drop trigger keep_keys on gulou.declaration;
drop trigger keep_keys on gulou.balance;
drop trigger keep_keys on gulou.lot;
drop function gulou.keep_key();
drop index gulou.declaration_approved;
create index declaration_of_period on gulou.declaration (account_id, period, no) where period is not null;
create index lot_open on gulou.lot (account_id, member_id, expires_at) where left_over > 0;
alter table gulou.lot_entry drop constraint lot_entry_pkey,
  add constraint lot_entry_pkey primary key (account_id, member_id, lot_seq, seq);
create index lot_entry_of_tx on gulou.lot_entry (account_id, member_id, seq);
alter table gulou.announcement_line drop constraint announcement_line_name_digest_check,
  add constraint announcement_line_name_digest_check check (name_digest ~ '^[0-9a-f]{64}$'),
  add constraint announcement_line_account_id_no_fkey foreign key (account_id, no) references gulou.declaration;
alter table gulou.announcement_name drop constraint announcement_name_name_salt_check,
  add constraint announcement_name_name_salt_check check (name_salt ~ '^[0-9a-f]{32}$');
alter table gulou.announcement_line_event add constraint announcement_line_event_account_id_announcement_id_no_fkey
  foreign key (account_id, announcement_id, no) references gulou.announcement_line;
alter table gulou.declaration_event add constraint declaration_event_account_id_no_fkey
  foreign key (account_id, no) references gulou.declaration;
alter table gulou.ledger_tx add constraint ledger_tx_account_id_member_id_fkey
  foreign key (account_id, member_id) references gulou.balance;
alter table gulou.lot add constraint lot_account_id_member_id_seq_fkey
  foreign key (account_id, member_id, seq) references gulou.ledger_tx;
alter table gulou.lot_entry
  add constraint lot_entry_account_id_member_id_lot_seq_fkey foreign key (account_id, member_id, lot_seq) references gulou.lot,
  add constraint lot_entry_account_id_member_id_seq_fkey foreign key (account_id, member_id, seq) references gulou.ledger_tx;
