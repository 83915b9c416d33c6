/* fulmar: role tables */
grant select on {tables} to {role};
