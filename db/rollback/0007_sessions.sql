drop table gulou.upload;           -- photos of declarations that nobody has sent off
drop table gulou.sign_in;
drop table gulou.session;          -- people sign in again
