package io.fulmar.internal.check;

import io.fulmar.Model;
import io.fulmar.ModelPreview;
import io.fulmar.ModelValidation;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.spi.CheckSteps;
import java.sql.SQLException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One check of a source. Used by one thread; {@link #cut} may be called by another. Closed by the
 * check.
 */
public interface SourceSteps extends AutoCloseable {
  /**
   * A model as it was found.
   *
   * @param validation what is to be said of it
   * @param shape null if it cannot be used
   */
  record Described(ModelValidation validation, @Nullable ModelShape shape) {}

  /** The names of the steps, in order; a model is looked at if the last one passes. */
  List<String> names();

  /** Takes the steps. */
  void look(CheckSteps steps);

  /** Where messages say that they belong. */
  String about();

  /** Proves and describes a model. */
  Described describe(Model model) throws SQLException, InterruptedException;

  /** Reads the first rows of a model that can be used. */
  ModelPreview firstRows(Model model) throws SQLException, InterruptedException;

  /** Ends what is going on. */
  void cut();

  @Override
  void close();
}
