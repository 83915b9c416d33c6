package io.fulmar.internal.store;

/** Begins transactions of the database in which a state lives. Threadsafe. */
public interface JoinedWrites {
  /**
   * Begins one; at its beginning the claim is held against the database.
   *
   * @throws io.fulmar.spi.NotAppliedException if there is no connection, or it broke
   * @throws io.fulmar.StateException if the claim is lost
   */
  JoinedWrite begin() throws Exception;
}
