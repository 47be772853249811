alter table gulou.announcement drop column branches;
