drop index gulou.member_name;
