package io.fulmar.testkit.tpch;

import io.trino.tpch.Customer;
import io.trino.tpch.CustomerGenerator;
import io.trino.tpch.GenerateUtils;
import io.trino.tpch.Order;
import io.trino.tpch.OrderGenerator;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Objects;
import java.util.function.BiConsumer;
import java.util.function.LongConsumer;
import java.util.function.Supplier;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;

/**
 * The tables {@code customer} and {@code orders} of TPC-H, generated and loaded: the same rows
 * every time at the same scale. At scale 1 there are 150,000 customers and 1,500,000 orders.
 *
 * <pre>{@code
 * try (Connection connection = database.connect()) {
 *   long rows = Tpch.atScale(0.1).loadOrders(connection);
 * }
 * }</pre>
 *
 * <p>A table is created where the connection's {@code search_path} points to, filled by {@code
 * COPY} while it has no index, then given its primary key and vacuumed. Rows are sent as they are
 * generated, so that memory does not grow with the scale. This class is immutable and thread-safe;
 * a connection, as always, serves one thread.
 *
 * <p>The generator is {@code io.trino.tpch:tpch}, which the tests' dependencies must have.
 *
 * @see <a href="https://www.tpc.org/tpch/">TPC-H</a>, whose specification has the tables in section
 *     1.4
 */
public final class Tpch {
  private static final String CREATE_CUSTOMER =
      """
      create table customer (
        c_custkey int8 not null,
        c_name text not null,
        c_address text not null,
        c_nationkey int4 not null,
        c_phone char(15) not null,
        c_acctbal numeric(15,2) not null,
        c_mktsegment char(10) not null,
        c_comment text not null
      )
      """;

  private static final String COPY_CUSTOMER =
      """
      copy customer (
        c_custkey, c_name, c_address, c_nationkey, c_phone, c_acctbal, c_mktsegment, c_comment
      ) from stdin
      """;

  private static final String[] FINISH_CUSTOMER = {
    "alter table customer add primary key (c_custkey)", "vacuum analyze customer"
  };

  private static final String CREATE_ORDERS =
      """
      create table orders (
        o_orderkey int8 not null,
        o_custkey int8 not null,
        o_orderstatus char(1) not null,
        o_totalprice numeric(15,2) not null,
        o_orderdate date not null,
        o_orderpriority char(15) not null,
        o_clerk char(15) not null,
        o_shippriority int4 not null,
        o_comment text not null
      )
      """;

  private static final String COPY_ORDERS =
      """
      copy orders (
        o_orderkey, o_custkey, o_orderstatus, o_totalprice, o_orderdate, o_orderpriority, o_clerk,
        o_shippriority, o_comment
      ) from stdin
      """;

  private static final String[] FINISH_ORDERS = {
    "alter table orders add primary key (o_orderkey)", "vacuum analyze orders"
  };

  private static final int BUFFER_CHARS = 1 << 16;

  private final double scale;
  private final LongConsumer progress;

  private Tpch(double scale, LongConsumer progress) {
    this.scale = scale;
    this.progress = progress;
  }

  /**
   * The data of one scale.
   *
   * @param scale the scale factor: a multiple of 150,000 customers and 1,500,000 orders, above 0
   * @return the data, of which nothing is generated yet
   * @throws IllegalArgumentException if the scale is not above 0
   */
  public static Tpch atScale(double scale) {
    if (!(scale > 0)) {
      throw new IllegalArgumentException("scale must be above 0: " + scale);
    }
    return new Tpch(scale, rows -> {});
  }

  /**
   * The same data, with somebody told how far a table has got.
   *
   * @param progress given the number of rows sent so far, each time that about 64 KiB of them have
   *     gone, and at the end; called on the thread that loads, so quick. <b>Default</b> nobody
   * @return the data, of which nothing is generated yet
   */
  public Tpch reportingTo(LongConsumer progress) {
    return new Tpch(scale, Objects.requireNonNull(progress, "progress"));
  }

  /**
   * Creates and fills {@code customer}, with the key {@code c_custkey}.
   *
   * @param connection a connection that commits by itself, since the table is vacuumed at the end
   * @return the number of rows
   * @throws SQLException if the table exists already, or the server refuses
   * @throws IllegalStateException if the generator is not among the dependencies
   */
  public long loadCustomer(Connection connection) throws SQLException {
    return load(
        connection,
        CREATE_CUSTOMER,
        COPY_CUSTOMER,
        FINISH_CUSTOMER,
        () -> new CustomerGenerator(scale, 1, 1),
        Tpch::append);
  }

  /**
   * Creates and fills {@code orders}, with the key {@code o_orderkey}.
   *
   * @param connection a connection that commits by itself, since the table is vacuumed at the end
   * @return the number of rows
   * @throws SQLException if the table exists already, or the server refuses
   * @throws IllegalStateException if the generator is not among the dependencies
   */
  public long loadOrders(Connection connection) throws SQLException {
    return load(
        connection,
        CREATE_ORDERS,
        COPY_ORDERS,
        FINISH_ORDERS,
        () -> new OrderGenerator(scale, 1, 1),
        Tpch::append);
  }

  private <T> long load(
      Connection connection,
      String create,
      String copy,
      String[] finish,
      Supplier<Iterable<T>> generator,
      BiConsumer<StringBuilder, T> append)
      throws SQLException {
    Iterable<T> rows;
    try {
      rows = generator.get();
    } catch (NoClassDefFoundError e) {
      throw new IllegalStateException(
          "Cannot load TPC-H: a class is missing. Add io.trino.tpch:tpch to the tests'"
              + " dependencies.",
          e);
    }
    try (Statement statement = connection.createStatement()) {
      statement.execute(create);
      long count = copy(connection, copy, rows, append);
      for (String sql : finish) {
        statement.execute(sql);
      }
      return count;
    }
  }

  private <T> long copy(
      Connection connection, String sql, Iterable<T> rows, BiConsumer<StringBuilder, T> append)
      throws SQLException {
    CopyIn copy = connection.unwrap(PGConnection.class).getCopyAPI().copyIn(sql);
    try {
      StringBuilder lines = new StringBuilder(BUFFER_CHARS);
      long sent = 0;
      for (T row : rows) {
        append.accept(lines, row);
        sent++;
        if (lines.length() > BUFFER_CHARS - 1_000) {
          flush(lines, copy);
          progress.accept(sent);
        }
      }
      flush(lines, copy);
      progress.accept(sent);
      return copy.endCopy();
    } finally {
      if (copy.isActive()) {
        copy.cancelCopy();
      }
    }
  }

  private static void flush(StringBuilder lines, CopyIn copy) throws SQLException {
    // The generator makes ASCII alone, and nothing that COPY would want escaped.
    byte[] bytes = lines.toString().getBytes(StandardCharsets.US_ASCII);
    copy.writeToCopy(bytes, 0, bytes.length);
    lines.setLength(0);
  }

  private static void append(StringBuilder line, Customer customer) {
    line.append(customer.getCustomerKey()).append('\t');
    line.append(customer.getName()).append('\t');
    line.append(customer.getAddress()).append('\t');
    line.append(customer.getNationKey()).append('\t');
    line.append(customer.getPhone()).append('\t');
    appendMoney(line, customer.getAccountBalanceInCents()).append('\t');
    line.append(customer.getMarketSegment()).append('\t');
    line.append(customer.getComment()).append('\n');
  }

  private static void append(StringBuilder line, Order order) {
    line.append(order.getOrderKey()).append('\t');
    line.append(order.getCustomerKey()).append('\t');
    line.append(order.getOrderStatus()).append('\t');
    appendMoney(line, order.getTotalPriceInCents()).append('\t');
    line.append(GenerateUtils.formatDate(order.getOrderDate())).append('\t');
    line.append(order.getOrderPriority()).append('\t');
    line.append(order.getClerk()).append('\t');
    line.append(order.getShipPriority()).append('\t');
    line.append(order.getComment()).append('\n');
  }

  private static StringBuilder appendMoney(StringBuilder line, long cents) {
    if (cents < 0) {
      line.append('-');
    }
    long amount = Math.abs(cents);
    line.append(amount / 100).append('.');
    long rest = amount % 100;
    return rest < 10 ? line.append('0').append(rest) : line.append(rest);
  }
}
