package io.fulmar;

/** What a destination is asked to do with the changes of one batch. */
public enum Action {
  /** Create records; a record that exists already is answered as skipped. */
  INSERT,
  /** Change existing records; an absent record is answered as skipped. */
  UPDATE,
  /** Create the record or change it, whichever applies. */
  UPSERT,
  /** Remove the record with this key; an absent record counts as accepted. */
  DELETE,
  /** Keep the record and empty its fields, all but the key; an absent record counts as accepted. */
  CLEAR
}
