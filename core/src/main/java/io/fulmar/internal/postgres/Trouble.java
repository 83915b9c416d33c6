package io.fulmar.internal.postgres;

/**
 * What a SQLSTATE says, as far as Fulmar acts on it or has advice for it. Which codes mean which of
 * these is {@link SqlStates}' alone to know; what helps is said by who reads, and by who writes.
 */
public enum Trouble {
  /** The connection was not made, or broke. */
  CONNECTION,
  /** A breach of the protocol; and what PgBouncer answers whatever it refuses or gives up. */
  PROTOCOL,
  /** User, password or the rules for logging in. */
  LOGIN,
  /** No such database. */
  NO_DATABASE,
  /** No connection is left: in the server, for the database or for the role. */
  NO_CONNECTION_LEFT,
  /** A statement reached its timeout, or somebody cancelled it: the code does not tell which. */
  STATEMENT_ENDED,
  /** A lock was not had in time. */
  LOCK_TIMEOUT,
  /** The transaction met another one, or the replay of a standby. */
  CONFLICT,
  /** Two transactions waited for each other. */
  DEADLOCK,
  /** The server shut down, or an administrator ended the session. */
  SESSION_ENDED,
  /** Another process of the server crashed, and took all sessions with it. */
  SERVER_CRASHED,
  /** The server starts, recovers or shuts down, and takes nobody yet. */
  SERVER_STARTING,
  /** A transaction was idle for too long. */
  IDLE_TRANSACTION,
  /** A transaction took too long as a whole. */
  TRANSACTION_TIMEOUT,
  /** A session lay idle for too long, as in a pool. */
  IDLE_SESSION,
  /** The server, or the transaction, takes no writes. */
  READ_ONLY,
  /** The role lacks a privilege. */
  PRIVILEGE,
  /** A policy would hide rows from the role, in a session that is told to refuse that. */
  ROW_SECURITY,
  /** A disk of the server is full. */
  DISK_FULL,
  /** The server has no memory left. */
  OUT_OF_MEMORY,
  /** A limit of the server's configuration, such as that on temporary files. */
  CONFIGURED_LIMIT,
  /** A prepared statement was overtaken by a change of the schema. */
  STALE_PLAN,
  /** The server has no such feature. */
  UNSUPPORTED,
  /** A table or view is not there. */
  NO_TABLE,
  /** A column is not there. */
  NO_COLUMN,
  /** A schema, type, function or the like is not there. */
  NO_OBJECT,
  /** A type is another than the statement needs. */
  WRONG_TYPE,
  /** Several rows where one was needed. */
  SEVERAL_ROWS,
  /** Anything else that the statement or what it refers to is to blame for. */
  STATEMENT,
  /** Larger, deeper or with more columns than the server takes. */
  TOO_LARGE,
  /** A value, or what an expression or a function makes of it. */
  VALUE,
  /** A text cannot be converted from the encoding of one side into that of the other. */
  ENCODING,
  /** A constraint is violated. */
  CONSTRAINT,
  /** The server cannot read or write its own files. */
  FILES,
  /** The server found its data damaged. */
  CORRUPTION,
  /** Something of the server or the session, not of rows or statements. */
  OTHER_OF_SERVER,
  /** Anything else: a trigger's own code, say. */
  OTHER
}
