-- The roots of the blocks of a notice's lines (16_merkle.sql): a proof looks at one block, however long the list is.
-- NULL in what was frozen before: then they are computed when they are asked for.
alter table gulou.announcement add column branches bytea check (length(branches) % 32 = 0);
