-- An imported member is looked for by name, twice a row: without this each row passed over all members of the account.
create index member_name on gulou.member (account_id, name);
