-- Photos of declarations: fetching is the outbox's, cleaning the server's; what is kept, and who may see it, is here.

-- [{"media_id","pic_url"}…] from the chat, which have to be fetched; [{"upload"}…] from a page, which are here.
create or replace function gulou.add_photos(p_account text, p_no bigint, p_photos jsonb) returns void
language sql as $$
  insert into gulou.photo (account_id, no, media_id, at, status, digest)
  select p_account, p_no, 'upload:' || u.upload_id, gulou.now_(), 'stored', u.digest
  from jsonb_array_elements(coalesce(p_photos, '[]')) as photo
  join gulou.upload u on u.account_id = p_account and u.upload_id = (photo ->> 'upload')::uuid
  on conflict do nothing;
  select gulou.add_photo_row(p_account, p_no, null, photo)
  from jsonb_array_elements(coalesce(p_photos, '[]')) as photo where photo ? 'media_id'
$$;

-- Who sent a photo of a declaration or of an objection.
create or replace function gulou.photo_sender(p_account text, p_no bigint, p_objection bigint) returns int
language sql stable as $$
  select coalesce((select member_id from gulou.declaration where account_id = p_account and no = p_no),
                  (select objector_id from gulou.objection where account_id = p_account and objection_no = p_objection))
$$;

-- One from the chat, of a declaration or of an objection: written down, and to be fetched. Four of one person at a time,
-- so that whoever sends many leaves room to the others; what the platform keeps back delays a quarter of theirs.
create or replace function gulou.add_photo_row(p_account text, p_no bigint, p_objection bigint, p_photo jsonb)
returns void language sql as $$
  with added as (
    insert into gulou.photo (account_id, no, objection_no, media_id, pic_url, at)
    values (p_account, p_no, p_objection, p_photo ->> 'media_id', p_photo ->> 'pic_url', gulou.now_())
    on conflict do nothing returning photo_id)
  select gulou.outbox_write(p_account, format('photo:%s:%s', gulou.photo_sender(p_account, p_no, p_objection), photo_id % 4),
                            'photo', photo_id::text)
  from added
$$;

-- Where an outbox row's photo lies at the platform, and whose it is: {"media_id","pic_url","person"}.
create or replace function api.photo_source(p_account text, p_id bigint) returns jsonb language sql stable as $$
  select jsonb_build_object('media_id', p.media_id, 'pic_url', p.pic_url,
    'person', gulou.photo_sender(p_account, p.no, p.objection_no))
  from gulou.outbox o join gulou.photo p on p.account_id = o.account_id and p.photo_id = o.subject::bigint
  where o.account_id = p_account and o.outbox_id = p_id
$$;

-- The cleaned photo of an outbox row; the same picture is kept once. The digest is of its pixels' JPEG; what is kept
-- may be sealed.
create or replace function api.keep_photo(p_account text, p_id bigint, p_width int, p_height int, p_digest bytea,
                                          p_jpeg bytea, p_small bytea) returns jsonb language plpgsql as $$
begin
  insert into gulou.image values (p_account, p_digest, p_width, p_height, p_jpeg, p_small, gulou.now_())
  on conflict do nothing;
  update gulou.photo p set status = 'stored', digest = p_digest, pic_url = null
  from gulou.outbox o
  where o.account_id = p_account and o.outbox_id = p_id and p.account_id = p_account
    and p.photo_id = o.subject::bigint and p.status <> 'stored';
  perform api.end_outbox(p_account, p_id, 'done', 0, '{}');
  return '{}';
end $$;

-- It cannot be had any more, or is none: its member is asked for another.
create or replace function api.photo_failed(p_account text, p_id bigint, p_why text) returns jsonb
language plpgsql as $$
declare
  v_photo gulou.photo;
begin
  update gulou.photo p set status = 'failed', pic_url = null
  from gulou.outbox o
  where o.account_id = p_account and o.outbox_id = p_id and p.account_id = p_account
    and p.photo_id = o.subject::bigint and p.status = 'waiting'
  returning p.* into v_photo;
  if v_photo.no is not null then
    perform gulou.notify(p_account, d.member_id, 'photo_failed', v_photo.photo_id::text,
                         jsonb_build_object('no', d.no, 'item', i.name))
    from gulou.declaration d
    join gulou.service_item i on i.account_id = d.account_id and i.item = d.item
    where d.account_id = p_account and d.no = v_photo.no;
  elsif v_photo.objection_no is not null then
    perform gulou.notify(p_account, o.objector_id, 'photo_failed', v_photo.photo_id::text,
                         jsonb_build_object('objection', o.objection_no))
    from gulou.objection o where o.account_id = p_account and o.objection_no = v_photo.objection_no;
  end if;
  perform api.end_outbox(p_account, p_id, 'failed', 0, jsonb_build_object('why', p_why));
  return '{}';
end $$;

-- ---------------------------------------------------------------- seeing them

-- The photos of a declaration as a page shows them, with the earlier declarations that used the same picture.
create or replace function gulou.photos_of(p_account text, p_no bigint) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object('photo', p.photo_id, 'status', p.status, 'width', m.width,
    'height', m.height, 'used_before', (
      select min(other.no) from gulou.photo other
      where other.account_id = p.account_id and other.digest = p.digest and other.no < p.no)) order by p.photo_id), '[]')
  from gulou.photo p
  left join gulou.image m on m.account_id = p.account_id and m.digest = p.digest
  where p.account_id = p_account and p.no = p_no
$$;

-- For the page behind a signed link; the link is the permission.
create or replace function api.evidence(p_account text, p_no bigint) returns jsonb language sql stable as $$
  select coalesce((
    select jsonb_build_object('no', d.no, 'item', i.name, 'words', d.words, 'photos', gulou.photos_of(p_account, d.no))
    from gulou.declaration d
    join gulou.service_item i on i.account_id = d.account_id and i.item = d.item
    where d.account_id = p_account and d.no = p_no), '{"refusal":"not_found"}')
$$;

create or replace function api.photo(p_account text, p_photo bigint, p_small boolean) returns jsonb
language sql stable as $$
  select coalesce((
    select jsonb_build_object('jpeg', translate(encode(case when p_small then m.small else m.jpeg end, 'base64'),
                                                E'\n', ''), 'digest', encode(m.digest, 'hex'), 'small', p_small)
    from gulou.photo p join gulou.image m on m.account_id = p.account_id and m.digest = p.digest
    where p.account_id = p_account and p.photo_id = p_photo), '{"refusal":"not_found"}')
$$;

-- ---------------------------------------------------------------- a new key

-- Pictures whose envelope does not begin with this: sealed with an older key, or not at all. For `gulou rekey`.
create or replace function api.rekey_next(p_account text, p_prefix bytea, p_after bytea, p_limit int) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object('digest', encode(digest, 'hex'), 'jpeg', translate(encode(jpeg, 'base64'), E'\n', ''),
    'small', translate(encode(small, 'base64'), E'\n', '')) order by digest), '[]')
  from (select digest, jpeg, small from gulou.image
        where account_id = p_account and digest > coalesce(p_after, '')
          and (substr(jpeg, 1, length(p_prefix)) <> p_prefix or substr(small, 1, length(p_prefix)) <> p_prefix)
        order by digest limit p_limit) as old
$$;

-- Nothing, when it was erased meanwhile.
create or replace function api.rekey_image(p_account text, p_digest bytea, p_jpeg bytea, p_small bytea) returns jsonb
language plpgsql as $$
begin
  update gulou.image set jpeg = p_jpeg, small = p_small where account_id = p_account and digest = p_digest;
  return jsonb_build_object('done', found);
end $$;

-- The id of the key that bytes are sealed with; '' when they are plain. Reads their beginning only.
create or replace function gulou.key_of(p_bytes bytea) returns text language sql immutable as $$
  select case when substr(p_bytes, 1, 4) = 'GLV1'
              then convert_from(substr(p_bytes, 6, get_byte(substr(p_bytes, 5, 1), 0)), 'UTF8') else '' end
$$;

-- How many pictures there are, and under which key: {"": those that are plain, "id": …}.
create or replace function api.key_use() returns jsonb language sql stable as $$
  select coalesce(jsonb_object_agg(key, n), '{}')
  from (select gulou.key_of(jpeg) as key, count(*) as n from gulou.image group by 1) as used
$$;

-- One small picture of each key, to try it on. For `gulou check`.
create or replace function api.key_samples() returns jsonb language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object('key', key, 'photos', n, 'account', account_id, 'digest', encode(digest, 'hex'),
    'small', translate(encode(small, 'base64'), E'\n', '')) order by key), '[]')
  from (select gulou.key_of(small) as key, count(*) as n from gulou.image group by 1) as used
  cross join lateral (select account_id, digest, small from gulou.image m
                      where gulou.key_of(m.small) = used.key limit 1) as sample
$$;
