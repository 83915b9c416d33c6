package io.fulmar.internal.plan;

import io.fulmar.internal.hash.RowSum;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.source.RowSink;
import io.fulmar.internal.source.ServerIdentity;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One model at one moment; the transaction is over once it is closed. Not threadsafe. */
public interface Snapshot extends AutoCloseable {
  /** Which database it is, and when. */
  ServerIdentity server();

  /** The model, described, with all its columns. */
  ModelShape shape();

  /**
   * Reads all rows.
   *
   * @param shape that of the model, with the columns that are to be read
   * @param maxRowBytes rows with more bytes come without their values
   * @param sink takes the rows
   * @throws IOException if the sink threw it
   */
  void rows(ModelShape shape, long maxRowBytes, RowSink sink) throws IOException;

  /**
   * Adds up all rows without reading them.
   *
   * @param shape that of the model, with the columns that are to be added up
   * @param seed what is added up under another one equals nothing
   * @return null if that takes too long
   */
  @Nullable RowSum sum(ModelShape shape, String seed);

  /**
   * Stands for what has ever been written to the tables of the model, as far as the server has
   * counted it: a hint and no proof, since counts come late, leave some things out, and may be
   * reset.
   *
   * @return empty if the server counts nothing of it
   */
  String writes();

  /**
   * Looks at some keys alone; {@link #rows} then gives only theirs.
   *
   * @param keys each as the texts of its columns, at least one
   * @return the images of the keys
   * @throws io.fulmar.ConfigurationException if a text is no value of its column
   */
  List<byte[]> only(List<List<String>> keys) throws IOException;

  /**
   * Reads the first rows, for a preview.
   *
   * @param sink takes the rows
   * @throws IOException if the sink threw it
   */
  void firstRows(RowSink sink) throws IOException;

  @Override
  void close();
}
