-- Corrections stand on both notices now: gulou.corrections_beside() took the place of this.
drop function if exists gulou.corrections_in(text, int);
