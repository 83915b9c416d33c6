/** What an application types and a destination implements, and the standard engine. */
module io.fulmar.core {
  exports io.fulmar;
  exports io.fulmar.spi;
  // pgjdbc makes what a connection is made with by the names of its classes.
  exports io.fulmar.internal.postgres to
      org.postgresql.jdbc,
      io.fulmar.lightning,
      io.fulmar.testkit;
  // Fulmar's own modules.
  exports io.fulmar.internal.check to
      io.fulmar.lightning,
      io.fulmar.testkit;
  exports io.fulmar.internal.hash to
      io.fulmar.lightning,
      io.fulmar.testkit;
  exports io.fulmar.internal.mapping to
      io.fulmar.lightning;
  exports io.fulmar.internal.plan to
      io.fulmar.lightning,
      io.fulmar.testkit;
  exports io.fulmar.internal.row to
      io.fulmar.lightning;
  exports io.fulmar.internal.run to
      io.fulmar.lightning,
      io.fulmar.testkit;
  exports io.fulmar.internal.source to
      io.fulmar.lightning,
      io.fulmar.testkit;
  exports io.fulmar.internal.sql to
      io.fulmar.lightning,
      io.fulmar.testkit;
  exports io.fulmar.internal.store to
      io.fulmar.lightning,
      io.fulmar.testkit;
  exports io.fulmar.internal.type to
      io.fulmar.lightning,
      io.fulmar.testkit;
  exports io.fulmar.internal.standard to
      io.fulmar.lightning,
      io.fulmar.testkit;
  exports io.fulmar.internal.destination to
      io.fulmar.lightning;

  requires transitive java.sql;
  requires static transitive org.jspecify;
  requires static com.fasterxml.jackson.core;
  requires com.dynatrace.hash4j;
  requires com.zaxxer.hikari;
  requires dev.failsafe.core;
  requires transitive java.net.http;
  requires org.postgresql.jdbc;
  requires org.slf4j;
}
