-- What has to be sent to the platform, and the token it is sent with.

-- A row is written in the transaction that causes it, and taken by whichever server comes first. Rows of one
-- lane (a person, the tags, a notice) go out one after the other, in order.
create table gulou.outbox (
  account_id text not null references gulou.account,
  outbox_id  bigint generated always as identity,
  lane       text not null,
  kind       text not null,
  subject    text not null,              -- with the kind: what it is about, so that it is written once
  facts      jsonb not null default '{}',
  status     text not null default 'waiting' check (status in ('waiting', 'held', 'done', 'failed')),
  attempts   int  not null default 0,
  due_at     timestamptz not null default clock_timestamp(),
  taken_till timestamptz,                -- a server has it until then
  written_at timestamptz not null default clock_timestamp(),
  ended_at   timestamptz,
  result     jsonb,
  primary key (account_id, outbox_id),
  unique (account_id, kind, subject)
);
create index outbox_waiting on gulou.outbox (due_at) where status = 'waiting';
create index outbox_lane on gulou.outbox (account_id, lane, outbox_id) where status = 'waiting';
create index outbox_ended on gulou.outbox (ended_at) where status in ('done', 'failed');

-- One row an account. Not logged, so that no backup and no standby holds it: a lost token is fetched anew.
create unlogged table gulou.platform_token (
  account_id  text not null,
  kind        text not null check (kind in ('access_token', 'jsapi_ticket')),
  token       text check (length(token) <= 2048),
  expires_at  timestamptz,
  refused     text,                      -- the token that the platform last refused
  fetched_by  text,                      -- the server that fetches a new one now
  fetch_till  timestamptz,
  forced_at   timestamptz,               -- the last force_refresh, and how many that day
  forced_on   date,
  forced      int not null default 0,
  primary key (account_id, kind)
);

alter table gulou.outbox owner to gulou_owner;
alter table gulou.platform_token owner to gulou_owner;
