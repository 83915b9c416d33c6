package io.fulmar.internal.plan;

import io.fulmar.Model;
import io.fulmar.ModelValidation;
import io.fulmar.Source;
import io.fulmar.internal.hash.RowHash;
import io.fulmar.internal.hash.RowSum;
import io.fulmar.internal.postgres.Connections;
import io.fulmar.internal.postgres.SourcePool;
import io.fulmar.internal.source.Cancellation;
import io.fulmar.internal.source.Describer;
import io.fulmar.internal.source.ModelRows;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.source.RowSink;
import io.fulmar.internal.source.ServerIdentity;
import io.fulmar.internal.source.SourceSession;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Snapshots of PostgreSQL. This class is threadsafe. */
public final class PostgresSnapshots implements Snapshots {
  private final Source source;
  private final Connections connections;
  private final @Nullable SourcePool own;

  /** Over a pool of its own. */
  public PostgresSnapshots(Source source) {
    this.source = source;
    SourcePool pool = new SourcePool(source, "fulmar");
    this.own = pool;
    this.connections = pool;
  }

  /**
   * Over connections that somebody else closes.
   *
   * @param source timeouts
   * @param connections those of the source
   */
  public PostgresSnapshots(Source source, Connections connections) {
    this.source = source;
    this.connections = connections;
    this.own = null;
  }

  @Override
  public Snapshot open(Model model, String application, String about, Cancellation cancellation) {
    SourceSession session =
        SourceSession.open(connections, source, application, about, cancellation);
    try {
      return session.ask(
          "describe the model " + model.name(),
          () ->
              new OfModel(
                  session,
                  session.server(),
                  Describer.describe(session, model),
                  model.name(),
                  source.socketTimeout().dividedBy(2)));
    } catch (RuntimeException | Error e) {
      session.close();
      throw e;
    }
  }

  @Override
  public ModelValidation validate(Model model, String application, String about) {
    try (SourceSession session =
        SourceSession.open(connections, source, application, about, new Cancellation())) {
      return session.ask(
          "describe the model " + model.name(),
          () -> {
            session.server();
            return Describer.validate(session, model);
          });
    }
  }

  private static final class OfModel implements Snapshot {
    private final SourceSession session;
    private final Duration limit;
    private Duration longestRead = Duration.ZERO;
    private final ServerIdentity server;
    private final ModelShape shape;
    private final String name;
    private boolean ofKeys;

    /**
     * A model.
     *
     * @param limit how long the server may say nothing while it adds up
     */
    OfModel(
        SourceSession session,
        ServerIdentity server,
        ModelShape shape,
        String name,
        Duration limit) {
      this.session = session;
      this.limit = limit;
      this.server = server;
      this.shape = shape;
      this.name = name;
    }

    @Override
    public ServerIdentity server() {
      return server;
    }

    @Override
    public ModelShape shape() {
      return shape;
    }

    @Override
    public List<byte[]> only(List<List<String>> keys) throws IOException {
      List<byte[]> images = AskedKeys.handOver(session, shape, name, keys);
      ofKeys = true;
      return images;
    }

    @Override
    public void rows(ModelShape of, long maxRowBytes, RowSink sink) throws IOException {
      ModelShape read = ofKeys ? of.ofKeys() : of;
      int fields = read.fieldCount() + (read.isMeasured() ? 1 : 0);
      long began = System.nanoTime();
      read(read.readSql(maxRowBytes), read, fields, sink);
      longestRead = Duration.ofNanos(System.nanoTime() - began);
      session.refuseOvertaken(reading());
    }

    @Override
    public @Nullable RowSum sum(ModelShape of, String seed) {
      if (longestRead.compareTo(limit) > 0) {
        return null;
      }
      RowSum sum = RowSum.within(session, RowHash.of(of, seed).sum(), reading(), limit);
      session.refuseOvertaken(reading());
      return sum;
    }

    @Override
    public String writes() {
      return session.writes(List.of());
    }

    @Override
    public void firstRows(RowSink sink) throws IOException {
      read(shape.previewSql(), shape, shape.fieldCount(), sink);
    }

    private void read(String copy, ModelShape of, int fields, RowSink sink) throws IOException {
      ModelRows.read(session, copy, of.fieldKinds(), fields, reading(), sink);
    }

    private String reading() {
      return "read the model " + name;
    }

    @Override
    public void close() {
      session.close();
    }
  }

  @Override
  public void close() {
    if (own != null) {
      own.close();
    }
  }
}
