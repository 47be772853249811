-- People signed in on pages. Only digests of what browsers hold are kept.

create table gulou.session (
  account_id    text not null references gulou.account,
  session_hash  bytea not null check (length(session_hash) = 32),
  previous_hash bytea,                    -- still good for a minute after a rotation
  openid        text not null,
  created_at    timestamptz not null default clock_timestamp(),
  rotated_at    timestamptz not null default clock_timestamp(),
  seen_at       timestamptz not null default clock_timestamp(),
  primary key (account_id, session_hash)
);
create index session_previous on gulou.session (account_id, previous_hash) where previous_hash is not null;
create index session_of_person on gulou.session (account_id, openid);
create index session_seen on gulou.session (seen_at);

-- A desktop browser that shows a QR code, until its person has confirmed in the chat.
create table gulou.sign_in (
  account_id   text not null references gulou.account,
  scene        text not null,
  browser_hash bytea not null check (length(browser_hash) = 32),
  number       int not null check (number between 10 and 99),  -- shown on both screens
  status       text not null default 'shown' check (status in ('shown', 'scanned', 'confirmed', 'used', 'refused')),
  openid       text,
  expires_at   timestamptz not null,
  primary key (account_id, scene),
  check ((status = 'shown') = (openid is null))
);
create index sign_in_ended on gulou.sign_in (expires_at);

-- Photos sent from a page, until their declaration is.
create table gulou.upload (
  account_id text not null references gulou.account,
  upload_id  uuid not null,
  openid     text not null,
  digest     bytea not null,
  at         timestamptz not null default clock_timestamp(),
  primary key (account_id, upload_id),
  foreign key (account_id, digest) references gulou.image
);
create index upload_by_age on gulou.upload (at);
create index upload_by_digest on gulou.upload (account_id, digest);

alter table gulou.session owner to gulou_owner;
alter table gulou.sign_in owner to gulou_owner;
alter table gulou.upload owner to gulou_owner;
