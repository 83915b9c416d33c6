package io.fulmar.verify.bench.compare;

import io.fulmar.testkit.TestDatabase;
import java.util.Arrays;
import java.util.List;

/** Who takes part, by the name that options and tables use. */
public enum Entrant {
  COPY("copy", "bare binary COPY, rows thrown away", On.ALL_SHAPES) {
    @Override
    Contender open(Shape shape, TestDatabase database) {
      return Read.copy(shape.model());
    }
  },
  CURSOR("cursor", "bare cursor, 10,000 rows at a time, rows thrown away", On.ALL_SHAPES) {
    @Override
    Contender open(Shape shape, TestDatabase database) {
      return Read.cursor(shape.model());
    }
  },
  COUNT("count", "`select count(*)` of the table", On.ORDERS) {
    @Override
    Contender open(Shape shape, TestDatabase database) {
      return Read.count("orders");
    }
  },
  STANDARD_QUERY("standard-query", "Fulmar's standard engine, model a query", On.ALL_SHAPES) {
    @Override
    Contender open(Shape shape, TestDatabase database) throws Exception {
      return new StandardContender(shape, FulmarContender.query(shape, shape.model()));
    }
  },
  STANDARD_TABLE("standard-table", "Fulmar's standard engine, model a table", On.ORDERS) {
    @Override
    Contender open(Shape shape, TestDatabase database) throws Exception {
      return new StandardContender(shape, FulmarContender.table(shape));
    }
  },
  STANDARD_64M("standard-64m", "the standard engine, model a query, in a small heap", On.ORDERS) {
    @Override
    Contender open(Shape shape, TestDatabase database) throws Exception {
      return new StandardContender(shape, FulmarContender.query(shape, shape.model()));
    }

    @Override
    String heap(long rows) {
      return "64m";
    }

    @Override
    boolean sweeps() {
      return false;
    }
  },
  LIGHTNING_TABLE("lightning-table", "Lightning, model a table: delta scan", On.TABLES) {
    @Override
    Contender open(Shape shape, TestDatabase database) throws Exception {
      return new LightningContender(shape, FulmarContender.table(shape), database);
    }
  },
  LIGHTNING_QUERY(
      "lightning-query", "Lightning, model a query; a unique index proves the key", On.ALL_SHAPES) {
    @Override
    Contender open(Shape shape, TestDatabase database) throws Exception {
      return new LightningContender(shape, FulmarContender.query(shape, shape.model()), database);
    }
  },
  LIGHTNING_UNPROVEN(
      "lightning-unproven", "Lightning, model a query whose key nothing proves", On.ORDERS) {
    @Override
    Contender open(Shape shape, TestDatabase database) throws Exception {
      return new LightningContender(
          shape, FulmarContender.query(shape, shape.unprovenModel()), database);
    }
  },
  FLOOR("floor", "full join of model and Lightning's state by the key alone", On.ORDERS) {
    @Override
    Contender open(Shape shape, TestDatabase database) throws Exception {
      return new FloorContender(shape, shape.model(), database);
    }
  },
  FLOOR_UNPROVEN("floor-unproven", "the same for the model whose key nothing proves", On.ORDERS) {
    @Override
    Contender open(Shape shape, TestDatabase database) throws Exception {
      return new FloorContender(shape, shape.unprovenModel(), database);
    }
  },
  EXCEPT("except", "by hand: EXCEPT both ways with a full copy", On.ORDERS) {
    @Override
    Contender open(Shape shape, TestDatabase database) {
      return new SqlPeer(database, SqlPeer.EXCEPT);
    }
  },
  MD5("md5", "by hand: full join on `md5(row::text)` with a full copy", On.ORDERS) {
    @Override
    Contender open(Shape shape, TestDatabase database) {
      return new SqlPeer(database, SqlPeer.MD5_OF_COPY);
    }
  },
  MD5_STORED("md5-stored", "by hand: the same with stored hashes", On.ORDERS) {
    @Override
    Contender open(Shape shape, TestDatabase database) {
      return new SqlPeer(database, SqlPeer.MD5_STORED);
    }
  },
  MAP("map", "by hand: JDBC reader and a hash map", On.ORDERS) {
    @Override
    Contender open(Shape shape, TestDatabase database) {
      return new MapPeer(shape.model());
    }

    @Override
    String heap(long rows) {
      return "%dm".formatted(HEAP + rows * BYTES_IN_MAP / 1_000_000);
    }
  },
  DEBEZIUM("debezium", "Debezium's embedded engine: snapshot, then logical decoding", On.ORDERS) {
    @Override
    Contender open(Shape shape, TestDatabase database) throws Exception {
      return Class.forName("io.fulmar.verify.bench.compare.DebeziumContender")
          .asSubclass(Contender.class)
          .getDeclaredConstructor(TestDatabase.class)
          .newInstance(database);
    }
  };

  private static final long HEAP = 256;
  private static final long BYTES_IN_MAP = 200;

  private final String label;
  private final String description;
  private final On on;

  private enum On {
    ORDERS,
    TABLES,
    ALL_SHAPES
  }

  Entrant(String label, String description, On on) {
    this.label = label;
    this.description = description;
    this.on = on;
  }

  /** Makes it; closed by the caller. */
  abstract Contender open(Shape shape, TestDatabase database) throws Exception;

  /** As options and tables name it. */
  public String label() {
    return label;
  }

  /** For the notes. */
  String description() {
    return description;
  }

  /** The most heap that its JVM may have for so many rows. */
  String heap(long rows) {
    return "%dm".formatted(HEAP);
  }

  /** Whether it goes through all shares of changes. */
  boolean sweeps() {
    return true;
  }

  /** Whether it can do its job on rows of this shape. */
  boolean takesPartIn(Shape shape) {
    return switch (on) {
      case ORDERS -> shape == Shape.NARROW;
      case TABLES -> shape.isTable();
      case ALL_SHAPES -> true;
    };
  }

  /** The names of all. */
  public static List<String> labels() {
    return Arrays.stream(values()).map(Entrant::label).toList();
  }
}
