/** The engine that compares inside PostgreSQL. */
module io.fulmar.lightning {
  exports io.fulmar.lightning;

  requires transitive io.fulmar.core;
  requires static transitive org.jspecify;
  requires dev.failsafe.core;
  requires org.postgresql.jdbc;
  requires org.slf4j;
}
