-- Who took full names out of the system, when and why (domain 10). The number is the watermark of the file.
create table gulou.export_audit (
  account_id text not null references gulou.account,
  export_no  int  not null,
  what       text not null check (what in ('ledger', 'declarations', 'notice')),
  period     text,
  reason     text not null check (char_length(reason) between 4 and 200),
  taken_by   text not null,              -- the machine's user and the database's
  at         timestamptz not null,
  primary key (account_id, export_no)
);
select gulou.make_insert_only('gulou.export_audit');
alter table gulou.export_audit owner to gulou_owner;
