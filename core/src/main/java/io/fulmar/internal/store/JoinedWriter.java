package io.fulmar.internal.store;

import io.fulmar.spi.Batch;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Writer;
import java.sql.Connection;

/** A writer that writes in transactions of the database in which the state lives, and no others. */
@SuppressWarnings("try") // close() may be interrupted, as write() may
public interface JoinedWriter extends Writer {
  /** Whether it was made for that; if not, {@link #write(Batch)} is called, as of any writer. */
  boolean joins();

  /**
   * Does what needs a connection of its own, before one is lent: waiting for one while another is
   * held would have lanes that share a small pool wait for each other.
   *
   * @throws Exception as {@link #write(Batch)}
   */
  void prepare() throws Exception;

  /**
   * Writes one batch in a transaction that others begin and end; undone if this throws.
   *
   * @param batch as for {@link #write(Batch)}
   * @param joined where to
   * @return as for {@link #write(Batch)}; names no change as unknown and none for the same run
   * @throws Exception as {@link #write(Batch)}
   */
  Delivery write(Batch batch, Connection joined) throws Exception;
}
