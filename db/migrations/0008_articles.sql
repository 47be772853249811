-- A published notice as an article of the account. One row a notice; how far it has come is what is stored of the
-- platform's answers.

create table gulou.article (
  account_id      text not null,
  announcement_id int  not null,
  state           text not null default 'cover'
    check (state in ('cover', 'draft', 'submitted', 'published', 'failed', 'left')),
  begun           text check (begun in ('draft', 'submit')),  -- asked of the platform, and no answer stored
  begun_at        timestamptz,
  cover_media     text,                  -- the permanent picture
  draft_media     text,
  publish_id      text,
  asked           int not null default 0,                     -- how often we asked what became of it
  article         text,                  -- the platform's id of it
  url             text,
  why             text,                  -- of failed and left
  written_at      timestamptz not null default clock_timestamp(),
  primary key (account_id, announcement_id),
  foreign key (account_id, announcement_id) references gulou.announcement,
  check (state = 'cover' or cover_media is not null or state in ('failed', 'left')),
  check (state not in ('submitted', 'published') or draft_media is not null),
  check ((state = 'published') = (url is not null)),
  check ((state in ('failed', 'left')) = (why is not null)),
  check ((begun is null) = (begun_at is null))
);
create index article_publication on gulou.article (account_id, publish_id) where publish_id is not null;

create table gulou.article_event (
  account_id      text not null,
  announcement_id int  not null,
  seq             int  not null,
  from_state      text,
  to_state        text not null,
  facts           jsonb not null,        -- the platform's ids, or why not
  at              timestamptz not null default clock_timestamp(),
  primary key (account_id, announcement_id, seq),
  foreign key (account_id, announcement_id) references gulou.article
);
select gulou.make_insert_only('gulou.article_event');

alter table gulou.article owner to gulou_owner;
alter table gulou.article_event owner to gulou_owner;
