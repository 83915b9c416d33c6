package io.fulmar.verify.bench.compare;

import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.tpch.Tpch;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * What the rows look like: how they are made from TPC-H, the model that is synced, its key, and how
 * some of its rows are changed.
 */
public enum Shape {
  /** Orders as they are: about 130 bytes a row. */
  NARROW("narrow", "orders, about 130 bytes a row, key of one column", Sql.ORDERS, "o_orderkey"),

  /** A comment as long as goes into a row without being compressed or moved elsewhere. */
  WIDE("wide", "orders of 1.6 kB a row, key of one column", Sql.ORDERS, "o_orderkey"),

  /** Text, date and number as one key. */
  THREE_KEYS(
      "three-keys",
      "orders, key of three columns (text, date, number)",
      Sql.ORDERS,
      "o_clerk",
      "o_orderdate",
      "o_orderkey"),

  /** A join with aggregates; a tenth of the orders are customers. */
  JOIN(
      "join",
      "customers joined with aggregates of ten times as many orders",
      Sql.CUSTOMERS,
      "c_custkey");

  private static final double ORDERS_AT_SCALE_1 = 1_500_000;

  private final String label;
  private final String description;
  private final String model;
  private final List<String> key;

  Shape(String label, String description, String model, String... key) {
    this.label = label;
    this.description = description;
    this.model = model;
    this.key = List.of(key);
  }

  /** As options and tables name it. */
  public String label() {
    return label;
  }

  /** For the notes. */
  String description() {
    return description;
  }

  /** The SQL of the model. */
  String model() {
    return model;
  }

  /** The columns of the orders, for what is written by hand. */
  static String columns() {
    return Sql.COLUMNS;
  }

  /** The model once more, in a form whose key nothing proves; for the same rows. */
  String unprovenModel() {
    return Sql.UNPROVEN_ORDERS;
  }

  /** The first column of the key. */
  String firstKey() {
    return key.get(0);
  }

  /** The other columns of the key. */
  String[] moreKeys() {
    return key.subList(1, key.size()).toArray(String[]::new);
  }

  /** Whether the model is the table {@code orders}, as it is. */
  boolean isTable() {
    return this != JOIN;
  }

  /** The column of the key by which rows are chosen and checked. */
  String number() {
    return key.get(key.size() - 1);
  }

  /** The column that changes. */
  String value() {
    return isTable() ? "o_totalprice" : "total";
  }

  /** Changes those rows whose number has this remainder. */
  String change(int modulus, int remainder) {
    return (isTable() ? Sql.CHANGE_ORDERS : Sql.CHANGE_CUSTOMERS).formatted(modulus, remainder);
  }

  /** Those rows of the model that {@link #change} changes, as a condition. */
  String changed(int modulus, int remainder) {
    return (isTable() ? Sql.CHANGED_ORDERS : Sql.CHANGED_CUSTOMERS).formatted(modulus, remainder);
  }

  /** Makes the tables in an empty database. */
  void load(TestDatabase database, long orders) throws SQLException {
    Tpch tpch = Tpch.atScale(orders / ORDERS_AT_SCALE_1);
    try (Connection connection = database.connect()) {
      tpch.loadOrders(connection);
      if (this == JOIN) {
        tpch.loadCustomer(connection);
        database.execute("vacuum (freeze, analyze) customer");
      }
    }
    if (this == WIDE) {
      database.execute(Sql.WIDEN);
    } else if (this == THREE_KEYS) {
      database.execute(Sql.THREE_KEYS);
    }
    database.execute("vacuum (freeze, analyze) orders");
  }

  /** The scenarios of a full sweep, or those of a comparison of sizes and shapes. */
  static Set<Scenario> scenarios(boolean sweep) {
    return sweep
        ? Set.of(Scenario.values())
        : EnumSet.of(
            Scenario.FIRST, Scenario.UNCHANGED, Scenario.UNCHANGED_FOR_LONG, Scenario.CHANGED_1);
  }

  private static final class Sql {
    static final String COLUMNS =
        """
        o_orderkey, o_custkey, o_orderstatus, o_totalprice, o_orderdate, o_orderpriority, o_clerk,
               o_shippriority, o_comment""";

    static final String ORDERS = "select %s from orders".formatted(COLUMNS);

    static final String UNPROVEN_ORDERS =
        """
        select %s
        from orders
        join (values ('F'), ('O'), ('P')) as of_interest (status) on status = o_orderstatus"""
            .formatted(COLUMNS);

    static final String CUSTOMERS =
        """
        select c_custkey, c_name, count(o_orderkey) as orders,
               coalesce(sum(o_totalprice), 0) as total, max(o_orderdate) as last_order
        from customer left join orders on o_custkey = c_custkey
        group by c_custkey, c_name""";

    static final String CHANGE_ORDERS =
        "update orders set o_totalprice = o_totalprice + 1 where mod(o_orderkey, %d) = %d";
    static final String CHANGED_ORDERS = "mod(o_orderkey, %d) = %d";

    static final String CHANGE_CUSTOMERS =
        "update orders set o_totalprice = o_totalprice + 1 where mod(o_custkey, %d) = %d";
    static final String CHANGED_CUSTOMERS = "mod(c_custkey, %d) = %d and orders > 0";

    static final String[] WIDEN = {
      """
      create table wide as
      select o_orderkey, o_custkey, o_orderstatus, o_totalprice, o_orderdate, o_orderpriority,
             o_clerk, o_shippriority,
             concat(o_comment, repeat(md5(o_orderkey::text), 45)) as o_comment
      from orders
      """,
      "drop table orders",
      "alter table wide rename to orders",
      "alter table orders add primary key (o_orderkey)"
    };

    static final String[] THREE_KEYS = {
      "alter table orders drop constraint orders_pkey",
      "alter table orders add primary key (o_clerk, o_orderdate, o_orderkey)"
    };

    private Sql() {}
  }
}
