/* fulmar: role schemas */
grant select on all tables in schema {schemas} to {role};
