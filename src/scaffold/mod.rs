//! Objects that Tekton needs, made from a few words: pure functions from options to manifests.
