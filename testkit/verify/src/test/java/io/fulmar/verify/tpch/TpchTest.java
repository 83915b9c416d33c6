package io.fulmar.verify.tpch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.junit.PostgresTest;
import io.fulmar.testkit.tpch.Tpch;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** TPC-H at scale 0.01 in a database of its own: 1,500 customers with 15,000 orders. */
@PostgresTest
@Tag("floors")
class TpchTest {
  private static TestDatabase database;
  private static final List<Long> PROGRESS = new ArrayList<>();
  private static long customers;
  private static long orders;

  @BeforeAll
  static void load(TestDatabase given) throws SQLException {
    database = given;
    try (Connection connection = database.connect()) {
      customers = Tpch.atScale(0.01).loadCustomer(connection);
      orders = Tpch.atScale(0.01).reportingTo(PROGRESS::add).loadOrders(connection);
    }
  }

  @Test
  void countsAreThoseOfTheScale() throws SQLException {
    assertThat(customers).isEqualTo(1_500);
    assertThat(orders).isEqualTo(15_000);
    assertThat(query("select count(*) from customer")).isEqualTo("1500");
    assertThat(query("select count(*) from orders")).isEqualTo("15000");
  }

  @Test
  void progressGrowsAndEndsWithTheLastRow() {
    assertThat(PROGRESS).isSorted().hasSizeGreaterThan(20).endsWith(15_000L);
  }

  @Test
  void rowsAreThoseOfTpch() throws SQLException {
    assertThat(query("select c::text from customer c where c_custkey = 1"))
        .isEqualTo(
            "(1,Customer#000000001,\"IVhzIApeRb ot,c,E\",15,25-989-741-2988,711.56,"
                + "\"BUILDING  \",\"to the even, regular platelets. regular, ironic epitaphs nag"
                + " e\")");
    assertThat(query("select o_orderdate || ' ' || o_totalprice from orders where o_orderkey = 1"))
        .startsWith("1996-01-02 ");
    assertThat(query("select min(c_acctbal) < 0 and max(c_acctbal) > 9900 from customer"))
        .isEqualTo("t");
  }

  @Test
  void everyOrderHasItsCustomer() throws SQLException {
    assertThat(
            query(
                """
                select count(*) from orders
                where not exists (select from customer where c_custkey = o_custkey)
                """))
        .isEqualTo("0");
  }

  @Test
  void tablesHaveTheirTypesAndKeys() throws SQLException {
    assertThat(columns("customer"))
        .isEqualTo(
            "c_custkey bigint,c_name text,c_address text,c_nationkey integer,"
                + "c_phone character(15),c_acctbal numeric(15,2),c_mktsegment character(10),"
                + "c_comment text");
    assertThat(columns("orders"))
        .isEqualTo(
            "o_orderkey bigint,o_custkey bigint,o_orderstatus character(1),"
                + "o_totalprice numeric(15,2),o_orderdate date,o_orderpriority character(15),"
                + "o_clerk character(15),o_shippriority integer,o_comment text");
    assertThat(key("customer")).isEqualTo("PRIMARY KEY (c_custkey)");
    assertThat(key("orders")).isEqualTo("PRIMARY KEY (o_orderkey)");
  }

  @Test
  void scaleMustBePositive() {
    assertThatThrownBy(() -> Tpch.atScale(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("scale must be above 0: 0.0");
  }

  private static String columns(String table) throws SQLException {
    return query(
        """
        select string_agg(attname || ' ' || format_type(atttypid, atttypmod), ',' order by attnum)
        from pg_attribute where attrelid = '%s'::regclass and attnum > 0
        """
            .formatted(table));
  }

  private static String key(String table) throws SQLException {
    return query(
        """
        select pg_get_constraintdef(oid) from pg_constraint
        where conrelid = '%s'::regclass and contype = 'p'
        """
            .formatted(table));
  }

  private static String query(String sql) throws SQLException {
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      assertThat(row.next()).isTrue();
      return row.getString(1);
    }
  }
}
