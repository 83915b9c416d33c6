package io.fulmar.internal.plan;

import io.fulmar.Model;
import io.fulmar.ModelValidation;
import io.fulmar.internal.source.Cancellation;
import java.util.List;

/** Where models are read. Threadsafe. */
public interface Snapshots extends AutoCloseable {
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

  /**
   * Proves a model and says what is wrong with it, without reading a row.
   *
   * @param model what is looked at
   * @param application shown in the source as the name of the reader
   * @param about the tail of messages
   * @throws io.fulmar.SourceException if the source cannot be reached or asked
   */
  default ModelValidation validate(Model model, String application, String about) {
    try (Snapshot snapshot = open(model, application, about, new Cancellation())) {
      return new ModelValidation(model.name(), snapshot.shape().preview(), model.key(), List.of());
    }
  }

  /** From how many rows on it takes less time to add them up than to read them. */
  default long leastRowsToAddUp() {
    return 10_000;
  }

  @Override
  void close();
}
