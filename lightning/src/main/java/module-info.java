/** The engine that compares inside PostgreSQL. */
module io.fulmar.lightning {
  requires transitive io.fulmar.core;
  requires static org.jspecify;
  requires com.dynatrace.hash4j;
  requires dev.failsafe.core;
  requires org.postgresql.jdbc;
  requires org.slf4j;
}
