alter table gulou.announcement_line add constraint announcement_line_account_id_announcement_id_fkey
  foreign key (account_id, announcement_id) references gulou.announcement;
alter table gulou.announcement_name add constraint announcement_name_account_id_announcement_id_fkey
  foreign key (account_id, announcement_id) references gulou.announcement;
alter table gulou.outbox add constraint outbox_account_id_fkey foreign key (account_id) references gulou.account;
