-- Objections to published lines, settlement when the window has closed, and corrections afterwards.

-- ---------------------------------------------------------------- what needs two administrators

-- Beside acts on a whole period: what becomes of an objection, a correction of a settled line, a longer window.
alter table gulou.second_person_request drop constraint second_person_request_kind_check;
alter table gulou.second_person_request add constraint second_person_request_kind_check
  check (kind in ('freeze', 'publish', 'objection', 'correction', 'extension'));
alter table gulou.second_person_request add column subject bigint not null default 0; -- an objection, a declaration
alter table gulou.second_person_request add column details jsonb not null default '{}';
drop index gulou.second_person_request_waiting;
create unique index second_person_request_waiting
  on gulou.second_person_request (account_id, kind, period, subject) where status = 'waiting';

-- ---------------------------------------------------------------- rules

alter table gulou.rule_version add column answer_days int not null default 5 check (answer_days > 0);
alter table gulou.rule_version add column false_penalty int not null default 20 check (false_penalty >= 0);

-- ---------------------------------------------------------------- objections

alter table gulou.objection add column due_at timestamptz not null; -- the objector's answer
create index objection_open on gulou.objection (account_id, announcement_id, no)
  where status in ('filed', 'accepted', 'investigating');
create index objection_of_member on gulou.objection (account_id, objector_id, objection_no desc);

-- A photo belongs to a declaration or to an objection, never to both.
alter table gulou.photo drop constraint photo_pkey;
alter table gulou.photo alter column no drop not null;
alter table gulou.photo add column objection_no bigint;
alter table gulou.photo add primary key (account_id, photo_id);
alter table gulou.photo add unique (account_id, no, media_id);
alter table gulou.photo add unique (account_id, objection_no, media_id);
alter table gulou.photo add check (num_nonnulls(no, objection_no) = 1);
alter table gulou.photo add foreign key (account_id, objection_no) references gulou.objection;

-- ---------------------------------------------------------------- lots

-- Points that became available, by the posting that made them so; what is left expires at its own time.
create table gulou.lot (
  account_id text   not null,
  member_id  int    not null,
  seq        bigint not null,
  points     bigint not null check (points > 0),
  left_over  bigint not null check (left_over between 0 and points),
  expires_at timestamptz not null,
  primary key (account_id, member_id, seq),
  foreign key (account_id, member_id, seq) references gulou.ledger_tx
);
create index lot_open on gulou.lot (account_id, member_id, expires_at) where left_over > 0;

-- Which posting took from a lot, or gave back to it.
create table gulou.lot_entry (
  account_id text   not null,
  member_id  int    not null,
  lot_seq    bigint not null,
  seq        bigint not null,
  amount     bigint not null check (amount <> 0),
  primary key (account_id, member_id, lot_seq, seq),
  foreign key (account_id, member_id, lot_seq) references gulou.lot,
  foreign key (account_id, member_id, seq) references gulou.ledger_tx
);
create index lot_entry_of_tx on gulou.lot_entry (account_id, member_id, seq);
select gulou.make_insert_only('gulou.lot_entry');

-- ---------------------------------------------------------------- settlement

-- What is still to be settled: a batch finds its lines without passing over those that are done.
create index declaration_unsettled on gulou.declaration (account_id, period, no)
  where status in ('announced', 'objected');

-- A correction may leave a member below zero in the period it falls into.
alter table gulou.period_score drop constraint period_score_points_check;

-- As in 0001, but a window that runs may be made longer, never shorter.
create or replace function gulou.keep_frozen() returns trigger language plpgsql as $$
begin
  if exists (select from gulou.announcement_event
             where account_id = old.account_id and announcement_id = old.announcement_id)
     and (tg_op = 'DELETE'
          or to_jsonb(new) - array['status', 'opened_at', 'closes_at']
             is distinct from to_jsonb(old) - array['status', 'opened_at', 'closes_at']
          or old.closes_at is not null and (new.closes_at is null or new.closes_at < old.closes_at
               or new.closes_at > old.closes_at and old.status <> 'published')) then
    raise exception 'announcement % of % is frozen', old.announcement_id, old.account_id
      using errcode = 'restrict_violation';
  end if;
  return case tg_op when 'DELETE' then old else new end;
end $$;

-- ---------------------------------------------------------------- corrections

create sequence gulou.correction_no;

-- What a settled line was worth is taken back in the period that runs; the line itself stays (INV-21).
create table gulou.correction_notice (
  account_id        text not null,
  correction_no     bigint not null,
  announcement_id   int  not null,         -- the notice that is corrected, and its line
  no                bigint not null,
  member_id         int  not null,
  org_id            int  not null,
  period            text not null check (period ~ '^\d{4}-Q[1-4]$'), -- where its negative line counts
  points            int  not null check (points >= 0),
  clawed_back       int  not null check (clawed_back between 0 and points), -- less than points: the floor of debt
  false_declaration boolean not null,
  penalty           int  not null check (penalty >= 0 and (false_declaration or penalty = 0)),
  penalty_taken     int  not null check (penalty_taken between 0 and penalty),
  words             text not null check (char_length(words) between 1 and 500),
  asker_id          int  not null,
  approver_id       int  not null check (approver_id <> asker_id),
  published_at      timestamptz not null,
  request_id        text not null,
  primary key (account_id, correction_no),
  unique (account_id, no),
  foreign key (account_id, announcement_id, no) references gulou.announcement_line,
  foreign key (account_id, member_id) references gulou.member
);
create index correction_of_period on gulou.correction_notice (account_id, period, correction_no);
select gulou.make_insert_only('gulou.correction_notice');

alter table gulou.lot owner to gulou_owner;
alter table gulou.lot_entry owner to gulou_owner;
alter table gulou.correction_notice owner to gulou_owner;
alter sequence gulou.correction_no owner to gulou_owner;
