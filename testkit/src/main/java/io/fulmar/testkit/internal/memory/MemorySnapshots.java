package io.fulmar.testkit.internal.memory;

import io.fulmar.ConfigurationException;
import io.fulmar.Model;
import io.fulmar.ModelTable;
import io.fulmar.ModelValidation;
import io.fulmar.ModelValidation.Finding;
import io.fulmar.ModelValidation.Severity;
import io.fulmar.SourceException;
import io.fulmar.internal.hash.RowSum;
import io.fulmar.internal.plan.Refusal;
import io.fulmar.internal.plan.Snapshot;
import io.fulmar.internal.plan.Snapshots;
import io.fulmar.internal.postgres.SqlStates;
import io.fulmar.internal.source.Cancellation;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.source.RowSink;
import io.fulmar.internal.source.ServerIdentity;
import io.fulmar.internal.sql.QueryText;
import io.fulmar.internal.type.ImageBuffer;
import io.fulmar.internal.type.KeyImage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.sql.SQLException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Snapshots of a {@link MemoryDatabase}. This class is threadsafe. */
public final class MemorySnapshots implements Snapshots {
  private static final int FIRST_ROWS = 100;

  private final MemoryDatabase database;
  private final Clock clock;

  /**
   * Snapshots.
   *
   * @param database what is read
   * @param clock tells when
   */
  public MemorySnapshots(MemoryDatabase database, Clock clock) {
    this.database = database;
    this.clock = clock;
  }

  MemoryDatabase database() {
    return database;
  }

  @Override
  public Snapshot open(Model model, String application, String about, Cancellation cancellation) {
    connect(about);
    MemoryTable table = database.table(model.name());
    List<Finding> errors = errors(model, table);
    if (table == null || !errors.isEmpty()) {
      throw new ConfigurationException(
          "Cannot use the model %s: %s %s".formatted(model.name(), errors.get(0).text(), about));
    }
    return new OfModel(model, table, about);
  }

  @Override
  public long leastRowsToAddUp() {
    return Long.MAX_VALUE;
  }

  @Override
  public ModelValidation validate(Model model, String application, String about) {
    connect(about);
    MemoryTable table = database.table(model.name());
    List<Finding> errors = errors(model, table);
    if (table == null || !errors.isEmpty()) {
      return new ModelValidation(model.name(), List.of(), model.key(), errors);
    }
    return new ModelValidation(model.name(), shape(model, table).preview(), model.key(), List.of());
  }

  private void connect(String about) {
    if (!database.isReachable()) {
      throw SqlStates.sourceException(
          "connect to the source in memory",
          new SQLException("the test has made it unreachable", "08001"),
          about);
    }
  }

  /** What is wrong with a model, in the words that are used of one in PostgreSQL. */
  private List<Finding> errors(Model model, @Nullable MemoryTable table) {
    if (table == null) {
      List<String> names = database.names();
      return List.of(
          error(
              "the source in memory has %s"
                  .formatted(
                      names.isEmpty()
                          ? "no models"
                          : "no model of that name but " + String.join(", ", names)),
              "Give it its columns and rows by InMemorySource.model(\"%s\")"
                  .formatted(model.name())));
    }
    List<Finding> errors = new ArrayList<>();
    List<String> there = table.columns().stream().map(MemoryTable.Column::name).toList();
    ModelTable chosen = model.table();
    if (there.isEmpty()) {
      return List.of(error("it returns no columns", "Declare them by column(name, type)"));
    }
    List<String> returned = chosen == null || chosen.columns().isEmpty() ? there : chosen.columns();
    for (String name : returned) {
      if (!there.contains(name)) {
        errors.add(
            error(
                "it selects the column %s, and in memory it has %s"
                    .formatted(quoted(name), String.join(", ", there)),
                "Declare it by column(name, type), in exactly this spelling"));
      }
    }
    for (String name : model.key()) {
      int at = there.indexOf(name);
      if (at < 0 || !returned.contains(name)) {
        errors.add(
            error(
                "it does not return the key column %s but %s"
                    .formatted(quoted(name), String.join(", ", returned)),
                "Select it, in exactly this spelling"));
      } else if (!KeyImage.allowed(table.columns().get(at).type().kind())) {
        MemoryType type = table.columns().get(at).type();
        String cast = KeyImage.castToWrite(type.kind(), type.name());
        errors.add(
            error(
                "the key column %s of type %s has no one image per value"
                    .formatted(quoted(name), type.name()),
                "Write %s%s as %s in the model"
                    .formatted(quoted(name), cast.substring(1), quoted(name))));
      }
    }
    return errors;
  }

  private static Finding error(String fact, String remedy) {
    return new Finding(Severity.ERROR, fact, remedy, null);
  }

  private static String quoted(String name) {
    return '"' + name.replace("\"", "\"\"") + '"';
  }

  /** Where the columns that the model returns stand in the table. */
  private static int[] positions(Model model, MemoryTable table) {
    ModelTable chosen = model.table();
    if (chosen == null || chosen.columns().isEmpty()) {
      return IntStream.range(0, table.columns().size()).toArray();
    }
    List<String> there = table.columns().stream().map(MemoryTable.Column::name).toList();
    return chosen.columns().stream().mapToInt(there::indexOf).toArray();
  }

  private static ModelShape shape(Model model, MemoryTable table) {
    List<ModelShape.Column> columns = new ArrayList<>();
    for (int position : positions(model, table)) {
      MemoryTable.Column column = table.columns().get(position);
      MemoryType type = column.type();
      columns.add(
          new ModelShape.Column(
              column.name(),
              type.name(),
              type.kind(),
              type.isBounded(model.key().contains(column.name())),
              "",
              type.valueType()));
    }
    List<String> names = columns.stream().map(ModelShape.Column::name).toList();
    return new ModelShape(
        QueryText.proven(model.sql()), columns, model.key().stream().map(names::indexOf).toList());
  }

  private final class OfModel implements Snapshot {
    private final Model model;
    private final MemoryTable table;
    private final String about;
    private final ModelShape shape;
    private final int[] positions;
    private final ServerIdentity server;
    private @Nullable Set<ByteBuffer> asked;

    OfModel(Model model, MemoryTable table, String about) {
      this.model = model;
      this.table = table;
      this.about = about;
      this.shape = MemorySnapshots.shape(model, table);
      this.positions = positions(model, table);
      this.server = database.identity(clock.instant());
    }

    @Override
    public ServerIdentity server() {
      return server;
    }

    @Override
    public ModelShape shape() {
      return shape;
    }

    private MemoryType type(int column) {
      return table.columns().get(positions[column]).type();
    }

    @Override
    public List<byte[]> only(List<List<String>> keys) {
      List<byte[]> images = new ArrayList<>();
      Set<ByteBuffer> wanted = new HashSet<>();
      for (List<String> key : keys) {
        if (key.size() != shape.keyPositions().size()) {
          throw new ConfigurationException(
              "Cannot look at a key of %s: %s columns were given, and the key has %s (%s). Give the columns of the key in its order. %s"
                  .formatted(
                      model.name(),
                      key.size(),
                      shape.keyPositions().size(),
                      shape.keySignature(),
                      about));
        }
        List<byte @Nullable []> row = new ArrayList<>();
        try {
          for (int i = 0; i < key.size(); i++) {
            row.add(type(shape.keyPositions().get(i)).imageOfText(key.get(i)));
          }
        } catch (IllegalArgumentException e) {
          throw Refusal.value(model.name(), shape.keySignature(), about);
        }
        byte[] image = keyImage(row);
        images.add(image);
        wanted.add(ByteBuffer.wrap(image));
      }
      asked = wanted;
      return images;
    }

    /** The normal form of a key without a NULL. */
    private byte[] keyImage(List<byte @Nullable []> key) {
      ImageBuffer image = new ImageBuffer(64);
      for (int i = 0; i < key.size(); i++) {
        byte[] value = key.get(i);
        if (value == null) {
          throw new IllegalArgumentException("a key has no NULL");
        }
        KeyImage.append(type(shape.keyPositions().get(i)).kind(), value, 0, value.length, image);
      }
      return image.toByteArray();
    }

    private boolean isAsked(List<byte @Nullable []> row) {
      Set<ByteBuffer> wanted = asked;
      if (wanted == null) {
        return true;
      }
      List<byte @Nullable []> key = new ArrayList<>();
      for (int position : shape.keyPositions()) {
        key.add(row.get(positions[position]));
      }
      return !key.contains(null) && wanted.contains(ByteBuffer.wrap(keyImage(key)));
    }

    @Override
    public void rows(ModelShape of, long maxRowBytes, RowSink sink) throws IOException {
      read(new RowBytes(of, positions, maxRowBytes, of.isMeasured()), Integer.MAX_VALUE, sink);
    }

    /** Nothing is gained by it in memory. */
    @Override
    public RowSum sum(ModelShape of, String seed) {
      throw new IllegalStateException("rows in memory are read");
    }

    @Override
    public String writes() {
      return "";
    }

    @Override
    public void firstRows(RowSink sink) throws IOException {
      read(new RowBytes(shape, positions, Long.MAX_VALUE, false), FIRST_ROWS, sink);
    }

    private void read(RowBytes bytes, int most, RowSink sink) throws IOException {
      String fault = database.nextFault();
      int end = fault == null ? table.rows().size() : table.rows().size() / 2;
      int sent = 0;
      for (int i = 0; i < end && sent < most; i++) {
        List<byte @Nullable []> row = table.rows().get(i);
        if (isAsked(row)) {
          bytes.send(row, sink);
          sent++;
        }
      }
      if (fault != null) {
        throw failed(fault);
      }
    }

    private SourceException failed(String sqlState) {
      return SqlStates.sourceException(
          "read the model " + model.name(),
          new SQLException("the test lets this read fail", sqlState),
          about);
    }

    @Override
    public void close() {}
  }

  @Override
  public void close() {}
}
