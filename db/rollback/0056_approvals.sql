-- An earlier program writes the same rows; the foreign key asks for each of them again.
drop trigger declaration_day_refers_to_declaration on gulou.declaration_day;
drop function gulou.declaration_day_refers_to_declaration();
alter table gulou.declaration_day add constraint declaration_day_account_id_no_fkey
  foreign key (account_id, no) references gulou.declaration;
-- To the letter as 0055 made it.
create or replace function gulou.declaration_event_refers_to_declaration() returns trigger language plpgsql as $$begin
      if exists (select from added as one
                 where not (false) and not exists (select from gulou.declaration as known where known.account_id = one.account_id and known.no = one.no)) then
        raise exception 'a row of declaration_event refers to no row of declaration' using errcode = 'foreign_key_violation';
      end if;
      return null;
    end$$;
