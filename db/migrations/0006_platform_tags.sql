-- Tags that show each role its menu, QR codes of units, and who asks to join by scanning one.

-- Whether the platform gives this account tags at all; said by the configuration at every start.
alter table gulou.account add column verified boolean not null default false;
drop function if exists api.sync_account(text, text);    -- it takes the flag now

-- The platform's number of a role's tag, once known.
create table gulou.platform_tag (
  account_id text not null references gulou.account,
  role       text not null check (role in ('reviewer', 'administrator')),
  tag_id     bigint not null,
  primary key (account_id, role)
);

-- Which follower wears which tag, as far as we know. Refused: the platform did not take it; tried again after a
-- day or when they follow anew.
create table gulou.worn_tag (
  account_id text not null references gulou.account,
  openid     text not null,
  role       text not null check (role in ('reviewer', 'administrator')),
  refused    boolean not null,
  set_at     timestamptz not null default clock_timestamp(),
  primary key (account_id, openid, role)
);
create sequence gulou.tag_round;
-- When they last followed or scanned: what was tagged before may be gone.
alter table gulou.follower add column came_at timestamptz not null default '-infinity';

-- What the platform made for a permanent scene: asked for once, because there are 100,000 at most.
create table gulou.qr_code (
  account_id text not null references gulou.account,
  scene      text not null check (octet_length(scene) between 1 and 64),
  ticket     text not null,
  url        text not null,
  made_at    timestamptz not null default clock_timestamp(),
  primary key (account_id, scene)
);

-- The unit whose code a guest scanned last: where they may ask to join.
alter table gulou.follower add column scanned_org int;
alter table gulou.follower add column scanned_at timestamptz;
-- How often somebody asked on a day: names are not to be tried one after the other.
alter table gulou.follower add column asked_on date;
alter table gulou.follower add column asked int not null default 0 check (asked between 0 and 5);

create sequence gulou.join_request_no;

-- A guest's wish to be a member of a unit, until a reviewer who knows the people has decided.
create table gulou.join_request (
  account_id text not null,
  request_no bigint not null,
  openid     text not null,
  org_id     int  not null,
  name       text check (char_length(name) between 1 and 20),    -- null once forgotten
  note       text check (char_length(note) between 1 and 50),
  status     text not null check (status in ('waiting', 'confirmed', 'refused', 'lapsed')),
  asked_at   timestamptz not null,
  member_id  int,
  decider_id int,
  decided_at timestamptz,
  primary key (account_id, request_no),
  check ((status = 'confirmed') = (member_id is not null)),
  check ((status in ('confirmed', 'refused')) = (decider_id is not null)),
  check (member_id <> decider_id),
  foreign key (account_id, org_id) references gulou.org,
  foreign key (account_id, member_id) references gulou.member,
  foreign key (account_id, decider_id) references gulou.member
);
create unique index join_request_one_waiting on gulou.join_request (account_id, openid) where status = 'waiting';
create index join_request_waiting on gulou.join_request (account_id, request_no) where status = 'waiting';

create table gulou.join_request_event (
  account_id  text not null,
  request_no  bigint not null,
  seq         int  not null,
  from_status text,
  to_status   text not null,
  actor_id    int,                       -- null: the guest, or time
  reason      text,
  at          timestamptz not null,
  request_id  text not null,
  primary key (account_id, request_no, seq),
  foreign key (account_id, request_no) references gulou.join_request
);
select gulou.make_insert_only('gulou.join_request_event');

alter table gulou.platform_tag owner to gulou_owner;
alter table gulou.worn_tag owner to gulou_owner;
alter sequence gulou.tag_round owner to gulou_owner;
alter table gulou.qr_code owner to gulou_owner;
alter sequence gulou.join_request_no owner to gulou_owner;
alter table gulou.join_request owner to gulou_owner;
alter table gulou.join_request_event owner to gulou_owner;
