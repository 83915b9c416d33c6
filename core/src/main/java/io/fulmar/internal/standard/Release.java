package io.fulmar.internal.standard;

import io.fulmar.internal.store.Memory;
import io.fulmar.internal.store.Rules;
import java.io.IOException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Writes a state again, with the held changes of one key, or of all, given another try. */
final class Release {
  private final StateFile state;
  private final byte @Nullable [] only;

  /**
   * A release.
   *
   * @param state the old state
   * @param only the image of the key that it is about; null for all
   */
  Release(StateFile state, byte @Nullable [] only) {
    this.state = state;
    this.only = only;
  }

  /**
   * Writes the next state, of the same remembered columns; gives the number of changes that were
   * released.
   */
  long write(StateFile.Writer writer) throws IOException {
    long released = 0;
    for (int partition = 0; partition < Partitions.COUNT; partition++) {
      StateFile.Cursor cursor = state.read(partition);
      while (cursor.next()) {
        if (cursor.isPlain()) {
          writer.plain(cursor, true);
          continue;
        }
        Memory before = cursor.memory();
        Memory after = isMeant(cursor) ? Rules.release(before) : before;
        released += after.equals(before) ? 0 : 1;
        writer.entry(cursor.key(), 0, cursor.keyLength(), after, cursor.values());
      }
      writer.endPartition();
    }
    writer.finish();
    return released;
  }

  private boolean isMeant(StateFile.Cursor cursor) {
    return only == null || Arrays.equals(only, 0, only.length, cursor.key(), 0, cursor.keyLength());
  }
}
