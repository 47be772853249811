-- Photos may be kept encrypted (server/vault.h): what names a picture no longer follows from the bytes that are kept.
-- Changed signatures.
drop function if exists api.keep_photo(text, bigint, int, int, bytea, bytea);
drop function if exists api.web_upload(text, bytea, uuid, int, int, bytea, bytea);
