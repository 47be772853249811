-- Everything Gulou remembers. Two schemas: `gulou` holds the tables and the inner functions, `api` the
-- functions that the server may call. The server's role can EXECUTE those and touch nothing else.
-- Every key begins with account_id: accounts of one installation share nothing.

create extension if not exists btree_gist;

do $$
begin
  if not exists (select from pg_roles where rolname = 'gulou_owner') then
    create role gulou_owner nologin;
  end if;
  if not exists (select from pg_roles where rolname = 'gulou_app') then
    create role gulou_app nologin;
  end if;
end $$;

create schema if not exists gulou;
create schema if not exists api;
revoke all on schema gulou from public;
grant usage on schema api to gulou_app;

-- ---------------------------------------------------------------- guards

-- Rows of these tables are history: not even the owner's functions change them (INV-06).
create function gulou.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is insert-only', tg_table_name using errcode = 'restrict_violation';
end $$;

create function gulou.make_insert_only(p_table regclass) returns void language plpgsql as $$
begin
  execute format('create trigger insert_only_row before update or delete on %s
                  for each row execute function gulou.refuse_change()', p_table);
  execute format('create trigger insert_only_table before truncate on %s
                  for each statement execute function gulou.refuse_change()', p_table);
end $$;

-- ---------------------------------------------------------------- accounts, time, messages

create table gulou.account (
  account_id text primary key,
  name       text not null
);

-- One row: how far the server's clock is set off, for tests and demonstrations (`gulou clock`).
create table gulou.clock (
  only_row  boolean primary key default true check (only_row),
  away_by   interval not null default interval '0'
);
insert into gulou.clock default values;

-- De-duplication of pushes: the first statement of every changing function takes the key here.
create table gulou.inbox (
  account_id  text not null,
  message_key uuid not null,
  answer      jsonb,
  received_at timestamptz not null default clock_timestamp(),
  primary key (account_id, message_key)
);
create index inbox_by_age on gulou.inbox (received_at);

-- ---------------------------------------------------------------- units and people

create table gulou.org (
  account_id text not null references gulou.account,
  org_id     int  not null,
  name       text not null,
  kind       text not null check (kind in ('office_branch', 'reporting_unit', 'committee')),
  community  text,
  primary key (account_id, org_id),
  unique (account_id, name)
);

create table gulou.member (
  account_id text not null,
  member_id  int  not null,
  name       text,                       -- null once erased
  status     text not null default 'active'
    check (status in ('invited', 'binding', 'active', 'suspended', 'transferring', 'left', 'erased')),
  primary key (account_id, member_id),
  foreign key (account_id) references gulou.account
);

create table gulou.member_event (
  account_id  text not null,
  member_id   int  not null,
  seq         int  not null,
  from_status text,
  to_status   text not null,
  actor_id    int,
  reason      text,
  at          timestamptz not null,
  request_id  text not null,
  primary key (account_id, member_id, seq),
  foreign key (account_id, member_id) references gulou.member
);
select gulou.make_insert_only('gulou.member_event');

-- Membership is dated: services are credited to the unit of their own time (domain 9.1).
create table gulou.member_org (
  account_id text not null,
  member_id  int  not null,
  org_id     int  not null,
  during     daterange not null default daterange(null, null),
  primary key (account_id, member_id, during),
  foreign key (account_id, member_id) references gulou.member,
  foreign key (account_id, org_id) references gulou.org,
  exclude using gist (account_id with =, member_id with =, during with &&)
);
create index member_org_by_org on gulou.member_org (account_id, org_id);

create table gulou.member_role (
  account_id text not null,
  member_id  int  not null,
  role       text not null check (role in ('reviewer', 'administrator')),
  primary key (account_id, member_id, role),
  foreign key (account_id, member_id) references gulou.member
);

-- Everybody who ever spoke to the account.
create table gulou.follower (
  account_id   text not null,
  openid       text not null,
  subscribed   boolean not null,
  wrong_tries  int  not null default 0 check (wrong_tries between 0 and 5),
  locked_until timestamptz,
  seen_at      timestamptz not null,
  primary key (account_id, openid)
);

create table gulou.binding (
  account_id text not null,
  openid     text not null,
  member_id  int  not null,
  bound_at   timestamptz not null,
  ended_at   timestamptz,
  primary key (account_id, openid, bound_at),
  foreign key (account_id, member_id) references gulou.member
);
create unique index binding_one_member_of_openid on gulou.binding (account_id, openid) where ended_at is null;
create unique index binding_one_openid_of_member on gulou.binding (account_id, member_id) where ended_at is null;

create table gulou.invite (
  account_id text not null,
  code_hash  bytea not null check (length(code_hash) = 32),
  member_id  int not null,
  used_at    timestamptz,
  primary key (account_id, code_hash),
  foreign key (account_id, member_id) references gulou.member
);

create table gulou.consent (
  account_id   text not null,
  member_id    int  not null,
  purpose      text not null check (purpose in ('service', 'public_notice_name', 'photo', 'place', 'messages')),
  given        boolean not null,
  text_version text not null,
  at           timestamptz not null,
  request_id   text not null,
  primary key (account_id, member_id, purpose, at),
  foreign key (account_id, member_id) references gulou.member
);
select gulou.make_insert_only('gulou.consent');

-- ---------------------------------------------------------------- rules and catalogue

-- Points are whole numbers everywhere. Caps count points, a declaration's cap counts half-hours.
create table gulou.rule_version (
  account_id             text not null references gulou.account,
  rule_version           int  not null,
  valid_from             date not null,
  declaration_half_hours int  not null check (declaration_half_hours > 0),
  day_cap                int  not null check (day_cap > 0),
  week_cap               int  not null check (week_cap > 0),
  period_cap             int  not null check (period_cap > 0),
  category_cap           int  not null check (category_cap > 0),
  days_back              int  not null check (days_back > 0),
  returns_max            int  not null check (returns_max >= 0),
  window_days            int  not null check (window_days between 3 and 7),
  debt_floor             int  not null check (debt_floor <= 0),
  primary key (account_id, rule_version),
  unique (account_id, valid_from)
);

create table gulou.service_category (
  account_id text not null references gulou.account,
  category   int  not null,
  code       text not null,
  name       text not null,
  primary key (account_id, category)
);

create table gulou.service_item (
  account_id text not null,
  item       int  not null,
  category   int  not null,
  code       text not null,
  name       text not null,
  basis      text not null check (basis in ('hour', 'task')),
  points     int  not null check (points > 0 and (basis = 'task' or points % 2 = 0)),
  proof      text not null check (proof in ('required', 'welcome')),
  primary key (account_id, item),
  foreign key (account_id, category) references gulou.service_category
);

-- ---------------------------------------------------------------- declarations

create sequence gulou.declaration_no;

create table gulou.declaration (
  account_id   text not null,
  no           bigint not null,
  member_id    int  not null,
  org_id       int  not null,             -- the member's unit on the day of the service
  item         int  not null,
  rule_version int  not null,
  started_at   timestamptz not null,      -- without a time of day: the day's first minutes stand for it
  ended_at     timestamptz not null,
  timed        boolean not null,          -- the member stated a time of day
  minutes      int  not null check (minutes between 1 and 1440),
  words        text not null check (char_length(words) between 1 and 500),
  dialogue     uuid,
  status       text not null check (status in ('draft', 'submitted', 'in_review', 'returned', 'withdrawn',
    'rejected', 'appealed', 'rejected_final', 'approved', 'voided', 'announced', 'objected', 'settled',
    'revoked', 'revoked_late')),
  claimed      int  not null check (claimed >= 0),
  counted      int  check (counted between 0 and claimed),
  cap          text check (cap in ('declaration', 'day', 'week', 'category', 'period')),
  period       text check (period ~ '^\d{4}-Q[1-4]$'),
  returns      int  not null default 0 check (returns >= 0),
  reason       text,
  reviewer_id  int,
  reviewed_at  timestamptz,
  created_at   timestamptz not null,
  primary key (account_id, no),
  check (ended_at > started_at),
  check ((counted is null) = (period is null)),
  foreign key (account_id, member_id) references gulou.member,
  foreign key (account_id, org_id) references gulou.org,
  foreign key (account_id, item) references gulou.service_item,
  foreign key (account_id, rule_version) references gulou.rule_version,
  -- INV-15: one member, two live services with a time of day, no overlap.
  constraint declaration_no_overlap exclude using gist (
    account_id with =, member_id with =, tstzrange(started_at, ended_at) with &&)
    where (timed and status in ('draft', 'submitted', 'in_review', 'returned', 'appealed', 'approved',
                                'announced', 'objected', 'settled'))
);
create index declaration_of_member on gulou.declaration (account_id, member_id, no desc);
create index declaration_waiting on gulou.declaration (account_id, no) where status in ('submitted', 'appealed');
create index declaration_of_period on gulou.declaration (account_id, period, no) where period is not null;
create unique index declaration_of_dialogue on gulou.declaration (account_id, member_id, dialogue)
  where dialogue is not null;

-- How the counted points fall on local days: the caps look here.
create table gulou.declaration_day (
  account_id text not null,
  no         bigint not null,
  member_id  int  not null,
  day        date not null,
  category   int  not null,
  period     text not null,
  points     int  not null check (points > 0),
  primary key (account_id, no, day),
  foreign key (account_id, no) references gulou.declaration
);
create index declaration_day_of_member on gulou.declaration_day (account_id, member_id, day);
select gulou.make_insert_only('gulou.declaration_day');

create table gulou.declaration_event (
  account_id  text not null,
  no          bigint not null,
  seq         int  not null,
  from_status text,
  to_status   text not null,
  actor_id    int,
  role        text not null check (role in ('member', 'reviewer', 'administrator', 'system')),
  reason      text,
  at          timestamptz not null,
  request_id  text not null,
  primary key (account_id, no, seq),
  foreign key (account_id, no) references gulou.declaration
);
select gulou.make_insert_only('gulou.declaration_event');

create table gulou.photo (
  account_id text not null,
  no         bigint not null,
  media_id   text not null,
  pic_url    text,
  at         timestamptz not null,
  primary key (account_id, no, media_id),
  foreign key (account_id, no) references gulou.declaration
);

-- ---------------------------------------------------------------- ledger

-- One row a member: the balances, and the head of the hash chain. Locking it serialises the member.
create table gulou.balance (
  account_id text not null,
  member_id  int  not null,
  pending    bigint not null default 0 check (pending >= 0),
  available  bigint not null default 0 check (available >= 0),
  reserved   bigint not null default 0 check (reserved >= 0),
  debt       bigint not null default 0 check (debt between -500 and 0),
  chain_seq  bigint not null default 0,
  chain_hash bytea  not null default decode(repeat('00', 32), 'hex'),
  posted_at  timestamptz not null default '-infinity',
  primary key (account_id, member_id),
  foreign key (account_id, member_id) references gulou.member
);

-- A transaction in one row, a column per book; the sum of its columns is 0 (INV-01).
create table gulou.ledger_tx (
  account_id   text not null,
  member_id    int  not null,
  seq          bigint not null check (seq > 0),
  kind         text not null check (kind in ('AWARD_PENDING', 'CANCEL_PENDING', 'RELEASE', 'DEBT_REPAY', 'RESERVE',
    'UNRESERVE', 'SPEND', 'EXPIRE', 'CLAWBACK', 'PENALTY', 'ADJUST', 'REVERSAL')),
  reason       text not null,
  source_type  text not null,
  source_id    text not null,
  leg          int  not null default 0,
  rule_version int  not null,
  period       text not null,
  actor_id     int,
  approver_id  int,
  request_id   text not null,
  posted_at    timestamptz not null,
  service_time timestamptz,
  issue        bigint not null default 0,
  pending      bigint not null default 0,
  available    bigint not null default 0,
  reserved     bigint not null default 0,
  debt         bigint not null default 0,
  redeemed     bigint not null default 0,
  expired      bigint not null default 0,
  revoked      bigint not null default 0,
  prev_hash    bytea not null check (length(prev_hash) = 32),
  hash         bytea not null check (length(hash) = 32),
  primary key (account_id, member_id, seq),
  unique (account_id, kind, source_type, source_id, leg),     -- INV-08
  check (issue + pending + available + reserved + debt + redeemed + expired + revoked = 0),
  foreign key (account_id, member_id) references gulou.balance
);
select gulou.make_insert_only('gulou.ledger_tx');

create view gulou.ledger_entry as
  select tx.account_id, tx.member_id, tx.seq, entry.book, entry.amount
  from gulou.ledger_tx tx
  cross join lateral (values ('issue', tx.issue), ('member.pending', tx.pending),
    ('member.available', tx.available), ('member.reserved', tx.reserved), ('member.debt', tx.debt),
    ('sink.redeemed', tx.redeemed), ('sink.expired', tx.expired), ('sink.revoked', tx.revoked))
    as entry (book, amount)
  where entry.amount <> 0;

-- The Merkle root over all chain heads, once a local day.
create table gulou.daily_seal (
  account_id text not null references gulou.account,
  day        date not null,
  root       bytea not null check (length(root) = 32),
  heads      jsonb not null,      -- [[member_id, seq, hash hex]…] in order of member_id
  sealed_at  timestamptz not null,
  primary key (account_id, day)
);
select gulou.make_insert_only('gulou.daily_seal');

-- What the boards show; version grows with every change, so that caches can ignore older values.
create table gulou.period_score (
  account_id text not null,
  period     text not null,
  member_id  int  not null,
  org_id     int  not null,
  points     bigint not null check (points >= 0),
  version    bigint not null,
  changed_at timestamptz not null,
  primary key (account_id, period, member_id, org_id),
  foreign key (account_id, member_id) references gulou.member,
  foreign key (account_id, org_id) references gulou.org
);
create index period_score_changes on gulou.period_score (account_id, changed_at);
create sequence gulou.score_version;

-- ---------------------------------------------------------------- announcements

create table gulou.workday_calendar (
  day     date primary key,
  workday boolean not null,
  note    text not null
);
-- A year counts as known when its public holidays were loaded.
create table gulou.workday_year (
  year int primary key
);

create table gulou.announcement (
  account_id      text not null references gulou.account,
  announcement_id int  not null,
  kind            text not null default 'member_points' check (kind in ('member_points', 'org_score')),
  period          text not null check (period ~ '^\d{4}-Q[1-4]$'),
  title           text not null,
  status          text not null
    check (status in ('frozen', 'published', 'window_closed', 'settled', 'archived')),
  window_days     int  not null check (window_days between 3 and 7),
  frozen_at       timestamptz not null,
  opened_at       timestamptz,
  closes_at       timestamptz,
  members         int not null,
  entries         int not null,
  points          bigint not null,
  root            bytea not null check (length(root) = 32),
  primary key (account_id, announcement_id),
  unique (account_id, kind, period),
  check ((opened_at is null) = (closes_at is null)),
  check ((status = 'frozen') = (opened_at is null))
);

create table gulou.announcement_line (
  account_id      text not null,
  announcement_id int  not null,
  no              bigint not null,
  position        int  not null,             -- 0-based place among the leaves
  member_id       int  not null,
  unit            text not null,
  item            text not null,
  points          int  not null check (points >= 0),
  reviewed_on     date not null,
  name_digest     text not null check (name_digest ~ '^[0-9a-f]{64}$'),
  leaf            text not null,
  primary key (account_id, announcement_id, no),
  unique (account_id, announcement_id, position),
  unique (account_id, no),
  foreign key (account_id, announcement_id) references gulou.announcement,
  foreign key (account_id, no) references gulou.declaration
);
select gulou.make_insert_only('gulou.announcement_line');

-- The only part of a notice that can be erased: proofs stay valid without it (INV-12).
create table gulou.announcement_name (
  account_id      text not null,
  announcement_id int  not null,
  member_id       int  not null,
  shown_name      text not null,
  name_salt       text not null check (name_salt ~ '^[0-9a-f]{32}$'),
  primary key (account_id, announcement_id, member_id),
  foreign key (account_id, announcement_id) references gulou.announcement
);

create table gulou.announcement_event (
  account_id      text not null,
  announcement_id int  not null,
  seq             int  not null,
  from_status     text,
  to_status       text not null,
  actor_id        int,
  approver_id     int,
  reason          text,
  at              timestamptz not null,
  request_id      text not null,
  primary key (account_id, announcement_id, seq),
  foreign key (account_id, announcement_id) references gulou.announcement
);
select gulou.make_insert_only('gulou.announcement_event');

create table gulou.announcement_line_event (
  account_id      text not null,
  announcement_id int  not null,
  no              bigint not null,
  seq             int  not null,
  from_status     text check (from_status in ('listed', 'objected', 'dismissed', 'upheld', 'settled')),
  to_status       text not null check (to_status in ('listed', 'objected', 'dismissed', 'upheld', 'settled')),
  actor_id        int,
  reason          text,
  at              timestamptz not null,
  request_id      text not null,
  primary key (account_id, announcement_id, no, seq),
  foreign key (account_id, announcement_id, no) references gulou.announcement_line
);
select gulou.make_insert_only('gulou.announcement_line_event');

-- What was frozen stays (INV-12): after the first event only the state and the window may be set.
create function gulou.keep_frozen() returns trigger language plpgsql as $$
begin
  if exists (select from gulou.announcement_event
             where account_id = old.account_id and announcement_id = old.announcement_id)
     and (tg_op = 'DELETE'
          or to_jsonb(new) - array['status', 'opened_at', 'closes_at']
             is distinct from to_jsonb(old) - array['status', 'opened_at', 'closes_at']
          or old.closes_at is not null and new.closes_at is distinct from old.closes_at) then
    raise exception 'announcement % of % is frozen', old.announcement_id, old.account_id
      using errcode = 'restrict_violation';
  end if;
  return case tg_op when 'DELETE' then old else new end;
end $$;
create trigger keep_frozen before update or delete on gulou.announcement
  for each row execute function gulou.keep_frozen();

create sequence gulou.objection_no;

create table gulou.objection (
  account_id      text not null,
  objection_no    bigint not null,
  announcement_id int  not null,
  no              bigint not null,
  objector_id     int  not null,
  words           text not null check (char_length(words) between 1 and 500),
  status          text not null
    check (status in ('filed', 'accepted', 'not_accepted', 'investigating', 'upheld', 'dismissed', 'notified')),
  filed_at        timestamptz not null,
  primary key (account_id, objection_no),
  foreign key (account_id, announcement_id, no) references gulou.announcement_line,
  foreign key (account_id, objector_id) references gulou.member
);

create table gulou.objection_event (
  account_id   text not null,
  objection_no bigint not null,
  seq          int  not null,
  from_status  text,
  to_status    text not null,
  actor_id     int,
  reason       text,
  at           timestamptz not null,
  request_id   text not null,
  primary key (account_id, objection_no, seq),
  foreign key (account_id, objection_no) references gulou.objection
);
select gulou.make_insert_only('gulou.objection_event');

-- What needs two administrators: the first one's request waits here for the second one's answer.
create sequence gulou.request_no;

create table gulou.second_person_request (
  account_id text not null,
  request_no bigint not null,
  kind       text not null check (kind in ('freeze', 'publish')),
  period     text not null check (period ~ '^\d{4}-Q[1-4]$'),
  asker_id   int  not null,
  asked_at   timestamptz not null,
  status     text not null default 'waiting' check (status in ('waiting', 'agreed', 'refused')),
  decider_id int,
  decided_at timestamptz,
  words      text,
  primary key (account_id, request_no),
  check (asker_id <> decider_id),           -- INV-10
  check ((status = 'waiting') = (decider_id is null)),
  foreign key (account_id, asker_id) references gulou.member
);
create unique index second_person_request_waiting on gulou.second_person_request (account_id, kind, period)
  where status = 'waiting';

-- ---------------------------------------------------------------- ownership

do $$
declare
  thing record;
begin
  for thing in select c.oid::regclass as name, c.relkind from pg_class c
               where c.relnamespace = 'gulou'::regnamespace and c.relkind in ('r', 'v', 'S')
                 and c.relname <> 'schema_migration' loop
    execute format('alter %s %s owner to gulou_owner',
      case thing.relkind when 'v' then 'view' when 'S' then 'sequence' else 'table' end, thing.name);
  end loop;
  alter schema gulou owner to gulou_owner;
  alter schema api owner to gulou_owner;
end $$;
