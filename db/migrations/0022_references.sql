-- References to a row that is one for everybody and never goes: checking one locks it, for each of a million lines and
-- for every word to a member, and transactions that share a lock have to keep a list of each other. An account is never
-- deleted; a frozen notice cannot be (keep_frozen), and its lines are written behind it in one transaction.
alter table gulou.outbox drop constraint outbox_account_id_fkey;
alter table gulou.announcement_name drop constraint announcement_name_account_id_announcement_id_fkey;
alter table gulou.announcement_line drop constraint announcement_line_account_id_announcement_id_fkey;
