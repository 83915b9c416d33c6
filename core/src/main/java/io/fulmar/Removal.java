package io.fulmar;

/** What a sync does about rows that left the model. */
public enum Removal {
  /**
   * Nothing is sent. The key is remembered as gone, so that its return with the same content sends
   * nothing either. The default.
   */
  IGNORE,
  /** The record is deleted: {@link Action#DELETE}. */
  DELETE,
  /** The record stays and its fields are emptied: {@link Action#CLEAR}. */
  CLEAR
}
