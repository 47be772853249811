-- Photos: fetched from the platform within its three days, cleaned, kept once by what they show.

alter table gulou.photo add column photo_id bigint generated always as identity;
alter table gulou.photo add column status text not null default 'waiting'
  check (status in ('waiting', 'stored', 'failed'));
alter table gulou.photo add column digest bytea check (length(digest) = 32);
alter table gulou.photo add check ((status = 'stored') = (digest is not null));
alter table gulou.photo add unique (account_id, photo_id);
create index photo_by_digest on gulou.photo (account_id, digest) where digest is not null;

-- SHA-256 of the cleaned JPEG names it. Already compressed: kept as it is, outside the row.
create table gulou.image (
  account_id text not null references gulou.account,
  digest     bytea not null check (length(digest) = 32),
  width      int not null check (width > 0),
  height     int not null check (height > 0),
  jpeg       bytea not null,
  small      bytea not null,
  stored_at  timestamptz not null,
  primary key (account_id, digest)
);
alter table gulou.image alter column jpeg set storage external, alter column small set storage external;
alter table gulou.photo add foreign key (account_id, digest) references gulou.image;
alter table gulou.image owner to gulou_owner;
