// Generated from crds/*.yaml by `npm run generate`; a test fails when it is not up to date.
import type { Rule, Schema } from '../schema.ts'

/** The schema of each kind's spec. */
export const specSchemas: Readonly<Record<string, Schema>> = {
  "CameraStream": {
    "type": "object",
    "required": [
      "source",
      "classes",
      "model"
    ],
    "x-kubernetes-validations": [
      {
        "rule": "has(self.goldenModel) || !(has(self.source.rtsp) || has(self.source.video))",
        "message": "goldenModel is required for the sources rtsp and video, which carry no labels; set goldenModel.uri, or use the source samples or scene",
        "fieldPath": ".goldenModel",
        "reason": "FieldValueRequired"
      },
      {
        "rule": "self.model.uri != oldSelf.model.uri || oldSelf.classes.all(name, self.classes.indexOf(name) == oldSelf.classes.indexOf(name))",
        "message": "classes may only be added behind the others, because a model's outputs know their place and no names; to rename, reorder or remove classes set model.uri to a model with these outputs in the same change",
        "fieldPath": ".classes",
        "reason": "FieldValueInvalid"
      }
    ],
    "properties": {
      "source": {
        "type": "object",
        "x-kubernetes-validations": [
          {
            "rule": "[has(self.rtsp), has(self.video), has(self.samples), has(self.scene)].exists_one(set, set)",
            "message": "exactly one of rtsp, video, samples and scene must be set"
          }
        ],
        "properties": {
          "rtsp": {
            "type": "object",
            "required": [
              "url"
            ],
            "properties": {
              "url": {
                "type": "string",
                "minLength": 1,
                "maxLength": 1024,
                "x-kubernetes-validations": [
                  {
                    "rule": "self.matches('^rtsps?://[^/@]+(/.*)?$')",
                    "message": "must be rtsp://host[:port]/path or rtsps://host[:port]/path without user and password; credentials belong into credentialsSecret"
                  }
                ]
              },
              "credentialsSecret": {
                "type": "string",
                "minLength": 1,
                "maxLength": 253
              },
              "transport": {
                "type": "string",
                "enum": [
                  "tcp",
                  "udp"
                ],
                "default": "tcp"
              }
            },
            "additionalProperties": false
          },
          "video": {
            "type": "object",
            "required": [
              "uri"
            ],
            "properties": {
              "uri": {
                "type": "string",
                "minLength": 1,
                "maxLength": 1024,
                "x-kubernetes-validations": [
                  {
                    "rule": "self.matches('^(file:///|[^/:]+(/|$))[^:]*$') && !self.matches('(^|/)[.][.](/|$)')",
                    "message": "must be a path relative to the storage root, such as models/student.onnx, or file:///absolute/path, without '..' or ':'"
                  }
                ]
              },
              "loop": {
                "type": "boolean",
                "default": true
              }
            },
            "additionalProperties": false
          },
          "samples": {
            "type": "object",
            "required": [
              "uri"
            ],
            "properties": {
              "uri": {
                "type": "string",
                "minLength": 1,
                "maxLength": 1024,
                "x-kubernetes-validations": [
                  {
                    "rule": "self.matches('^(file:///|[^/:]+(/|$))[^:]*$') && !self.matches('(^|/)[.][.](/|$)')",
                    "message": "must be a path relative to the storage root, such as models/student.onnx, or file:///absolute/path, without '..' or ':'"
                  }
                ]
              }
            },
            "additionalProperties": false
          },
          "scene": {
            "type": "object",
            "required": [
              "seed"
            ],
            "properties": {
              "seed": {
                "type": "integer",
                "maximum": 2147483647,
                "minimum": 0
              },
              "preset": {
                "type": "string",
                "enum": [
                  "street",
                  "plain"
                ],
                "default": "street"
              }
            },
            "additionalProperties": false
          }
        },
        "additionalProperties": false
      },
      "frameRate": {
        "type": "number",
        "maximum": 60,
        "default": 5,
        "exclusiveMinimum": 0
      },
      "classes": {
        "type": "array",
        "minItems": 2,
        "maxItems": 256,
        "x-kubernetes-list-type": "set",
        "items": {
          "type": "string",
          "minLength": 1,
          "maxLength": 63
        }
      },
      "model": {
        "type": "object",
        "required": [
          "uri"
        ],
        "properties": {
          "uri": {
            "type": "string",
            "minLength": 1,
            "maxLength": 1024,
            "x-kubernetes-validations": [
              {
                "rule": "self.matches('^(file:///|[^/:]+(/|$))[^:]*$') && !self.matches('(^|/)[.][.](/|$)')",
                "message": "must be a path relative to the storage root, such as models/student.onnx, or file:///absolute/path, without '..' or ':'"
              }
            ]
          }
        },
        "additionalProperties": false
      },
      "goldenModel": {
        "type": "object",
        "required": [
          "uri"
        ],
        "properties": {
          "uri": {
            "type": "string",
            "minLength": 1,
            "maxLength": 1024,
            "x-kubernetes-validations": [
              {
                "rule": "self.matches('^(file:///|[^/:]+(/|$))[^:]*$') && !self.matches('(^|/)[.][.](/|$)')",
                "message": "must be a path relative to the storage root, such as models/student.onnx, or file:///absolute/path, without '..' or ':'"
              }
            ]
          }
        },
        "additionalProperties": false
      },
      "inference": {
        "type": "object",
        "default": {},
        "properties": {
          "configurations": {
            "type": "array",
            "minItems": 1,
            "maxItems": 16,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": [
              "name"
            ],
            "default": [
              {
                "name": "every-frame",
                "frameInterval": 1,
                "resolutionScale": 1
              }
            ],
            "items": {
              "type": "object",
              "required": [
                "name"
              ],
              "properties": {
                "name": {
                  "type": "string",
                  "minLength": 1,
                  "maxLength": 63,
                  "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
                },
                "frameInterval": {
                  "type": "integer",
                  "maximum": 600,
                  "default": 1,
                  "minimum": 1
                },
                "resolutionScale": {
                  "type": "number",
                  "maximum": 1,
                  "default": 1,
                  "exclusiveMinimum": 0
                }
              },
              "additionalProperties": false
            }
          }
        },
        "additionalProperties": false
      },
      "minAccuracy": {
        "type": "number",
        "maximum": 1,
        "default": 0,
        "minimum": 0
      },
      "weight": {
        "type": "number",
        "maximum": 1000,
        "default": 1,
        "exclusiveMinimum": 0
      },
      "memory": {
        "maxLength": 32,
        "x-kubernetes-validations": [
          {
            "rule": "type(self) == int ? self > 0 : isQuantity(self) && quantity(self).isGreaterThan(quantity('0'))",
            "message": "must be a Kubernetes quantity above 0, such as 500Mi or 2Gi"
          }
        ],
        "type": [
          "integer",
          "string"
        ]
      },
      "learner": {
        "type": "string",
        "enum": [
          "sgd"
        ],
        "default": "sgd"
      },
      "nodeSelector": {
        "type": "object",
        "maxProperties": 16,
        "default": {},
        "x-kubernetes-validations": [
          {
            "rule": "self.all(key, key.matches('^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$'))",
            "message": "keys must be label keys, such as topology.kubernetes.io/zone"
          }
        ],
        "additionalProperties": {
          "type": "string",
          "maxLength": 63,
          "pattern": "^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$"
        }
      },
      "suspended": {
        "type": "boolean",
        "default": false
      }
    },
    "additionalProperties": false
  },
  "RetrainingWindow": {
    "type": "object",
    "properties": {
      "streamSelector": {
        "type": "object",
        "default": {},
        "properties": {
          "matchLabels": {
            "type": "object",
            "maxProperties": 16,
            "default": {},
            "x-kubernetes-validations": [
              {
                "rule": "self.all(key, key.matches('^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$'))",
                "message": "keys must be label keys, such as topology.kubernetes.io/zone"
              }
            ],
            "additionalProperties": {
              "type": "string",
              "maxLength": 63,
              "pattern": "^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$"
            }
          },
          "matchExpressions": {
            "type": "array",
            "maxItems": 16,
            "x-kubernetes-list-type": "atomic",
            "default": [],
            "items": {
              "type": "object",
              "required": [
                "key",
                "operator"
              ],
              "x-kubernetes-validations": [
                {
                  "rule": "self.operator in ['In', 'NotIn'] ? has(self.values) && self.values.size() > 0 : !has(self.values) || self.values.size() == 0",
                  "message": "values must name at least one value for the operators In and NotIn, and must be absent for Exists and DoesNotExist"
                }
              ],
              "properties": {
                "key": {
                  "type": "string",
                  "minLength": 1,
                  "maxLength": 316,
                  "pattern": "^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"
                },
                "operator": {
                  "type": "string",
                  "enum": [
                    "In",
                    "NotIn",
                    "Exists",
                    "DoesNotExist"
                  ]
                },
                "values": {
                  "type": "array",
                  "maxItems": 64,
                  "x-kubernetes-list-type": "atomic",
                  "items": {
                    "type": "string",
                    "maxLength": 63,
                    "pattern": "^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$"
                  }
                }
              },
              "additionalProperties": false
            }
          }
        },
        "additionalProperties": false
      },
      "duration": {
        "type": "string",
        "minLength": 1,
        "maxLength": 32,
        "default": "200s",
        "x-kubernetes-validations": [
          {
            "rule": "self.matches('^([0-9]+([.][0-9]+)?(ms|s|m|h))+$') && duration(self) >= duration('10s') && duration(self) <= duration('24h')",
            "message": "must be a duration from 10s to 24h, such as 90s, 3m20s or 1h"
          }
        ]
      },
      "repeat": {
        "type": "string",
        "enum": [
          "Always",
          "Once"
        ],
        "default": "Always"
      },
      "gpus": {
        "type": "object",
        "default": {},
        "properties": {
          "nodeSelector": {
            "type": "object",
            "maxProperties": 16,
            "default": {},
            "x-kubernetes-validations": [
              {
                "rule": "self.all(key, key.matches('^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$'))",
                "message": "keys must be label keys, such as topology.kubernetes.io/zone"
              }
            ],
            "additionalProperties": {
              "type": "string",
              "maxLength": 63,
              "pattern": "^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$"
            }
          },
          "maximum": {
            "type": "integer",
            "maximum": 1024,
            "minimum": 1
          }
        },
        "additionalProperties": false
      },
      "scheduler": {
        "type": "object",
        "default": {},
        "properties": {
          "policy": {
            "type": "string",
            "enum": [
              "thief",
              "horizon",
              "fair",
              "none"
            ],
            "default": "thief"
          },
          "step": {
            "type": "number",
            "default": 0.1,
            "x-kubernetes-validations": [
              {
                "rule": "self >= 0.01 && self <= 0.5",
                "message": "must be a number from 0.01 to 0.5"
              }
            ]
          },
          "options": {
            "type": "object",
            "maxProperties": 32,
            "default": {}
          }
        },
        "additionalProperties": false
      },
      "microProfiler": {
        "type": "object",
        "default": {},
        "properties": {
          "epochs": {
            "type": "integer",
            "maximum": 50,
            "default": 5,
            "minimum": 2
          },
          "sampleFraction": {
            "type": "number",
            "maximum": 1,
            "default": 0.1,
            "exclusiveMinimum": 0
          },
          "budgetFraction": {
            "type": "number",
            "maximum": 1,
            "default": 0.2,
            "exclusiveMinimum": 0
          },
          "estimator": {
            "type": "string",
            "enum": [
              "ekya",
              "pooled"
            ],
            "default": "ekya"
          },
          "replanThreshold": {
            "type": "number",
            "maximum": 1,
            "default": 0.05,
            "exclusiveMinimum": 0
          }
        },
        "additionalProperties": false
      },
      "retraining": {
        "type": "object",
        "default": {},
        "properties": {
          "configurations": {
            "type": "array",
            "minItems": 1,
            "maxItems": 32,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": [
              "name"
            ],
            "default": [
              {
                "name": "head-10",
                "epochs": 10,
                "trainableLayers": "head"
              },
              {
                "name": "all-10",
                "epochs": 10,
                "trainableLayers": "all"
              },
              {
                "name": "all-30",
                "epochs": 30,
                "trainableLayers": "all"
              }
            ],
            "items": {
              "type": "object",
              "required": [
                "name",
                "epochs"
              ],
              "properties": {
                "name": {
                  "type": "string",
                  "minLength": 1,
                  "maxLength": 63,
                  "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
                },
                "epochs": {
                  "type": "integer",
                  "maximum": 1000,
                  "minimum": 1
                },
                "batchSize": {
                  "type": "integer",
                  "maximum": 1024,
                  "default": 32,
                  "minimum": 1
                },
                "learningRate": {
                  "type": "number",
                  "maximum": 10,
                  "default": 0.01,
                  "exclusiveMinimum": 0
                },
                "trainableLayers": {
                  "maxLength": 16,
                  "default": "all",
                  "x-kubernetes-validations": [
                    {
                      "rule": "type(self) == int ? self >= 1 && self <= 1000 : self in ['all', 'head']",
                      "message": "must be all, head, or a number of layers from 1 to 1000"
                    }
                  ],
                  "type": [
                    "integer",
                    "string"
                  ]
                },
                "hiddenUnits": {
                  "type": "integer",
                  "maximum": 4096,
                  "minimum": 1
                },
                "dataFraction": {
                  "type": "number",
                  "maximum": 1,
                  "default": 1,
                  "exclusiveMinimum": 0
                }
              },
              "additionalProperties": false
            }
          },
          "historyWindows": {
            "type": "integer",
            "maximum": 50,
            "default": 2,
            "minimum": 0
          },
          "historyWeight": {
            "type": "number",
            "maximum": 1,
            "default": 1,
            "exclusiveMinimum": 0
          },
          "validationFraction": {
            "type": "number",
            "default": 0.3,
            "x-kubernetes-validations": [
              {
                "rule": "self >= 0.05 && self <= 0.9",
                "message": "must be a number from 0.05 to 0.9"
              }
            ]
          },
          "minGain": {
            "type": "number",
            "maximum": 1,
            "default": 0.01,
            "minimum": 0
          }
        },
        "additionalProperties": false
      },
      "labeling": {
        "type": "object",
        "default": {},
        "properties": {
          "maxSamples": {
            "type": "integer",
            "maximum": 10000,
            "default": 200,
            "minimum": 20
          },
          "share": {
            "type": "number",
            "default": 0.3,
            "x-kubernetes-validations": [
              {
                "rule": "self >= 0.01 && self <= 0.9",
                "message": "must be a number from 0.01 to 0.9"
              }
            ]
          }
        },
        "additionalProperties": false
      },
      "suspended": {
        "type": "boolean",
        "default": false
      },
      "historyLimit": {
        "type": "integer",
        "maximum": 100,
        "default": 20,
        "minimum": 1
      }
    },
    "additionalProperties": false
  }
}

/** The rules on each kind's whole object. */
export const objectRules: Readonly<Record<string, readonly Rule[]>> = {
  "CameraStream": [
    {
      "rule": "self.metadata.name.size() <= 40",
      "message": "must have at most 40 characters, because pod names are derived from it",
      "fieldPath": ".metadata.name",
      "reason": "FieldValueInvalid"
    },
    {
      "rule": "!self.metadata.name.contains('.')",
      "message": "must be a DNS label (lower-case letters, digits and '-', no dots), because pod names and labels are derived from it",
      "fieldPath": ".metadata.name",
      "reason": "FieldValueInvalid"
    }
  ],
  "RetrainingWindow": [
    {
      "rule": "self.metadata.name.size() <= 63",
      "message": "must have at most 63 characters, because it becomes a label of the pods",
      "fieldPath": ".metadata.name",
      "reason": "FieldValueInvalid"
    }
  ]
}
