//! Examples of Medley as a library: one question a file, beside this folder. The tests compile and run them all.
