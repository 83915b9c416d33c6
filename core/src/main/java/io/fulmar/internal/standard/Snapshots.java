package io.fulmar.internal.standard;

import io.fulmar.Model;
import io.fulmar.internal.source.Cancellation;

/** Where models are read. Threadsafe. */
interface Snapshots extends AutoCloseable {
  /**
   * Begins a snapshot and describes the model in it.
   *
   * @param model what is read
   * @param application shown in the source as the name of the reader
   * @param about the tail of messages
   * @param cancellation ends what the snapshot is doing
   * @throws io.fulmar.SourceException if the source cannot be reached or read
   * @throws io.fulmar.ConfigurationException if the model cannot be used
   */
  Snapshot open(Model model, String application, String about, Cancellation cancellation);

  @Override
  void close();
}
