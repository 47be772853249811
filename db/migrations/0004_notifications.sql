-- What is told to whom, when the platform lets it be told, and what became of it.

-- The platform's own window (its clock, not `gulou clock`): until when, and how many customer messages are left.
alter table gulou.follower add column window_until timestamptz not null default '-infinity';
alter table gulou.follower add column window_left int not null default 0 check (window_left between 0 and 5);

-- Shown on top of the reply to this message: every attempt of it shows the same.
alter table gulou.outbox add column shown_with uuid;
create index outbox_held on gulou.outbox (account_id, lane, outbox_id) where status = 'held';
create index outbox_shown on gulou.outbox (account_id, shown_with) where shown_with is not null;
create index outbox_message on gulou.outbox (account_id, (result ->> 'message')) where result ? 'message';

-- How many subscription notifications a follower has agreed to and not yet got.
create table gulou.subscription (
  account_id  text not null references gulou.account,
  openid      text not null,
  template_id text not null,
  sends_left  int  not null check (sends_left >= 0),
  primary key (account_id, openid, template_id)
);

-- What the platform says became of a message; it may say so before its answer to the sending has reached us.
create table gulou.send_result (
  account_id text not null references gulou.account,
  message    text not null,
  status     text not null,
  at         timestamptz not null default clock_timestamp(),
  primary key (account_id, message)
);

alter table gulou.subscription owner to gulou_owner;
alter table gulou.send_result owner to gulou_owner;
