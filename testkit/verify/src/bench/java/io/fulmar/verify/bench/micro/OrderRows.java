package io.fulmar.verify.bench.micro;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.fulmar.internal.source.CopyRows;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.source.ModelShape.Column;
import io.fulmar.internal.source.RowSink;
import io.fulmar.internal.sql.QueryText;
import io.fulmar.internal.type.ColumnKind;
import io.trino.tpch.Distributions;
import io.trino.tpch.GenerateUtils;
import io.trino.tpch.Order;
import io.trino.tpch.OrderGenerator;
import io.trino.tpch.TextPool;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.sql.SQLException;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;

/**
 * The first orders of TPC-H at scale 1 as messages of a binary {@code COPY}, one row each, as
 * PostgreSQL sends them. Immutable.
 */
final class OrderRows {
  private static final String QUERY =
      """
      select o_orderkey, o_custkey, o_orderstatus, o_totalprice, o_orderdate, o_orderpriority,
             o_clerk, o_shippriority, o_comment
      from orders
      """;
  private static final byte[] HEADER = {
    'P', 'G', 'C', 'O', 'P', 'Y', '\n', (byte) 0xff, '\r', '\n', 0, 0, 0, 0, 0, 0, 0, 0, 0
  };
  private static final byte[] TRAILER = {(byte) 0xff, (byte) 0xff};

  // The text pool of the generator has 300 MB, and comments are no less like it out of less.
  private static final int POOL_BYTES = 1 << 20;
  private static final LocalDate EPOCH = LocalDate.of(2000, 1, 1);

  private final ModelShape shape;
  private final List<ColumnKind> kinds;
  private final int fieldCount;
  private final List<byte[]> messages;

  private OrderRows(
      ModelShape shape, List<ColumnKind> kinds, int fieldCount, List<byte[]> messages) {
    this.shape = shape;
    this.kinds = kinds;
    this.fieldCount = fieldCount;
    this.messages = messages;
  }

  /** Rows as the standard engine reads them: fields by name, and whether a row is too large. */
  static OrderRows ofModel(int count) {
    ModelShape shape = shape();
    List<byte[]> messages = new ArrayList<>(count);
    ByteBuffer buffer = ByteBuffer.allocate(1_024);
    Iterator<Order> orders = orders();
    while (messages.size() < count) {
      buffer.clear().putShort((short) 10);
      putFields(buffer, orders.next());
      buffer.putInt(-1);
      messages.add(bytes(buffer));
    }
    return new OrderRows(shape, shape.fieldKinds(), 10, messages);
  }

  /**
   * Rows of the plan of a first run, as Lightning reads them back: place, position, hash, whether
   * the row is too large, the key, the fields by name.
   *
   * @param kinds of the fields
   */
  static OrderRows ofPlan(int count, List<ColumnKind> kinds) {
    List<byte[]> messages = new ArrayList<>(count);
    ByteBuffer buffer = ByteBuffer.allocate(1_024);
    Iterator<Order> orders = orders();
    while (messages.size() < count) {
      int position = messages.size();
      Order order = orders.next();
      buffer.clear().putShort((short) kinds.size());
      buffer.putInt(6).putInt(position / 40).putShort((short) (position % 40 + 1));
      buffer.putInt(8).putLong(position);
      buffer.putInt(8).putLong(order.getOrderKey() * 0x9E3779B97F4A7C15L);
      buffer.putInt(1).put((byte) 0);
      buffer.putInt(8).putLong(order.getOrderKey());
      putFields(buffer, order);
      messages.add(bytes(buffer));
    }
    return new OrderRows(shape(), kinds, kinds.size(), messages);
  }

  private static Iterator<Order> orders() {
    Distributions distributions = Distributions.getDefaultDistributions();
    TextPool pool = new TextPool(POOL_BYTES, distributions);
    return new OrderGenerator(1, 1, 1, distributions, pool).iterator();
  }

  static ModelShape shape() {
    return new ModelShape(
        QueryText.proven(QUERY),
        List.of(
            new Column("o_orderkey", "bigint", ColumnKind.INT8, true, ""),
            new Column("o_custkey", "bigint", ColumnKind.INT8, true, ""),
            new Column("o_orderstatus", "character(1)", ColumnKind.BPCHAR, true, ""),
            new Column("o_totalprice", "numeric(15,2)", ColumnKind.NUMERIC, true, ""),
            new Column("o_orderdate", "date", ColumnKind.DATE, true, ""),
            new Column("o_orderpriority", "character(15)", ColumnKind.BPCHAR, true, ""),
            new Column("o_clerk", "character(15)", ColumnKind.BPCHAR, true, ""),
            new Column("o_shippriority", "integer", ColumnKind.INT4, true, ""),
            new Column("o_comment", "text", ColumnKind.TEXT, false, "")),
        List.of(0));
  }

  /** In the order of the names. */
  private static void putFields(ByteBuffer buffer, Order order) {
    putText(buffer, order.getClerk(), 15);
    putText(buffer, order.getComment(), 0);
    buffer.putInt(8).putLong(order.getCustomerKey());
    LocalDate date = LocalDate.parse(GenerateUtils.formatDate(order.getOrderDate()));
    buffer.putInt(4).putInt((int) (date.toEpochDay() - EPOCH.toEpochDay()));
    buffer.putInt(8).putLong(order.getOrderKey());
    putText(buffer, order.getOrderPriority(), 15);
    putText(buffer, String.valueOf(order.getOrderStatus()), 1);
    buffer.putInt(4).putInt(order.getShipPriority());
    putMoney(buffer, order.getTotalPriceInCents());
  }

  private static void putText(ByteBuffer buffer, String text, int width) {
    byte[] bytes = (text + " ".repeat(Math.max(0, width - text.length()))).getBytes(UTF_8);
    buffer.putInt(bytes.length).put(bytes);
  }

  /** A numeric(15,2): groups of four digits, those behind the point in one. */
  private static void putMoney(ByteBuffer buffer, long cents) {
    long whole = cents / 100;
    int behind = (int) (cents % 100 * 100);
    int before = whole >= 10_000 ? 2 : 1;
    int groups = before + (behind == 0 ? 0 : 1);
    buffer.putInt(8 + 2 * groups);
    buffer.putShort((short) groups).putShort((short) (before - 1));
    buffer.putShort((short) 0).putShort((short) 2);
    if (before == 2) {
      buffer.putShort((short) (whole / 10_000));
    }
    buffer.putShort((short) (whole % 10_000));
    if (behind != 0) {
      buffer.putShort((short) behind);
    }
  }

  private static byte[] bytes(ByteBuffer buffer) {
    byte[] message = new byte[buffer.flip().remaining()];
    buffer.get(message);
    return message;
  }

  /** The model. */
  ModelShape model() {
    return shape;
  }

  /** The whole stream, through the reader of production. */
  void send(RowSink sink) throws IOException, SQLException {
    CopyRows reader = new CopyRows(kinds, fieldCount, sink);
    reader.take(HEADER);
    for (byte[] message : messages) {
      reader.take(message);
    }
    reader.take(TRAILER);
    if (!reader.isComplete() || reader.rows() != messages.size()) {
      throw new IllegalStateException("rows were lost");
    }
  }

  /** What a change keeps of each row: its fields. */
  List<byte[]> images() throws IOException, SQLException {
    List<byte[]> images = new ArrayList<>(messages.size());
    send((buffer, from, to, fields) -> images.add(Arrays.copyOfRange(buffer, from, to)));
    return images;
  }
}
