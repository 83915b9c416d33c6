package io.fulmar.internal.standard;

import io.fulmar.Model;
import io.fulmar.Source;
import io.fulmar.internal.postgres.SourcePool;
import io.fulmar.internal.source.Describer;
import io.fulmar.internal.source.ModelRows;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.source.RowSink;
import io.fulmar.internal.source.ServerIdentity;
import io.fulmar.internal.source.SourceSession;
import java.io.IOException;

/** Snapshots of PostgreSQL, over a pool of its own. This class is threadsafe. */
final class PostgresSnapshots implements Snapshots {
  private final Source source;
  private final SourcePool pool;

  PostgresSnapshots(Source source) {
    this.source = source;
    this.pool = new SourcePool(source, "fulmar");
  }

  @Override
  public Snapshot open(Model model, String application, String about) {
    SourceSession session = SourceSession.open(pool, source, application, about);
    try {
      ServerIdentity server = session.server();
      return new OfModel(session, server, Describer.describe(session, model), model.name());
    } catch (RuntimeException | Error e) {
      session.close();
      throw e;
    }
  }

  private record OfModel(
      SourceSession session, ServerIdentity server, ModelShape shape, String name)
      implements Snapshot {
    @Override
    public void rows(long maxRowBytes, RowSink sink) throws IOException {
      int fields = shape.columns().size() + (shape.isMeasured() ? 1 : 0);
      read(shape.readSql(maxRowBytes), fields, sink);
    }

    @Override
    public void firstRows(RowSink sink) throws IOException {
      read(shape.previewSql(), shape.columns().size(), sink);
    }

    private void read(String copy, int fields, RowSink sink) throws IOException {
      ModelRows.read(session, copy, shape.fieldKinds(), fields, "read the model " + name, sink);
    }

    @Override
    public void close() {
      session.close();
    }
  }

  @Override
  public void close() {
    pool.close();
  }
}
